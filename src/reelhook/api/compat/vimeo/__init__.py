"""Vimeo's webhooks API: `/apps/{app_id}/webhooks`, below `/compat/vimeo` and at the root."""
