"""What keeps a project in order: doctor, drift, reproduction of a version, released weights, the lock's checks."""
