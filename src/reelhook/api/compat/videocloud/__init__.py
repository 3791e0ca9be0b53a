"""VideoCloud's webhooks API: `/webhooks`, below `/compat/videocloud`."""
