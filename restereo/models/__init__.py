"""One file per network; `build(channels_in, channels_out, *, ...)` returns a torch module."""
