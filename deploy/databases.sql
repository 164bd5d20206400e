-- What PostgreSQL makes when its volume is still empty: one database for each program.
CREATE DATABASE mlflow;
CREATE DATABASE prefect;
