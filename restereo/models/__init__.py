"""One file per network; `build(channels_in, channels_out, options)` returns a torch module."""
