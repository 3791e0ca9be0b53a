"""The life of an event, cut once at the store: publish() left of the cut, deliver() right of it."""
