"""The management APIs of foreign systems, for clients that were written for those: their webhooks are our endpoints."""
