"""The only folder that opens sockets to strangers."""
