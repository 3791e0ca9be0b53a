"""What runs by itself: the dispatcher, maintenance, the notifier, tasks."""
