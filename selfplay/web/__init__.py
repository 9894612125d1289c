"""Pages in the browser, served on this machine: server, guard and channel are shared by all."""
