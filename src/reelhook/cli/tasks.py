"""`reelhook tasks`: look at recoveries and replays while they run, slow them down, stop them."""

from typing import Any, Final

from cyclopts import App
from rich.text import Text

from reelhook.cli.client import route
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import HERE, Remote
from reelhook.cli.screen import facts, moment, safe, table

tasks: Final = App(name="tasks", help="Look at recoveries and replays, slow them down, stop them.", version_flags=[])


@tasks.command(name="list")
def list_(*, limit: int = 50, remote: Remote = HERE) -> None:
    """List tasks, newest first.

    Args:
        limit: How many at most.
    """
    page = remote.client().list(route("tasks"), limit)
    rows = [
        (each["id"], each["kind"], each["state"], _progress(each), _rate(each), moment(each["created_at"]))
        for each in page["items"]
    ]
    columns = ("ID", "KIND", "STATE", "DONE", "PER SECOND", "CREATED")
    remote.screen.answer(
        page, lambda: table(columns, rows, "There are no tasks: `reelhook recover` and `replay` make them.")
    )


@tasks.command
def show(task_id: str, /, *, remote: Remote = HERE) -> None:
    """Show one task.

    Args:
        task_id: Its id (tsk_…).
    """
    task = remote.client().get(route("tasks", task_id))
    remote.screen.answer(task, lambda: facts(task))


@tasks.command
def rate(task_id: str, per_second: str, /, *, remote: Remote = HERE) -> None:
    """Change how many deliveries a second a task moves.

    Args:
        task_id: Its id (tsk_…).
        per_second: A number, or `max` for as many as it can.
    """
    task = remote.client().patch(route("tasks", task_id), {"rate": _number(per_second)})
    remote.screen.answer(task, lambda: Text(safe(f"{task['id']}  {task['state']}  {_rate(task)} per second")))


@tasks.command
def cancel(task_id: str, /, *, remote: Remote = HERE) -> None:
    """Stop a task; what it has moved stays moved.

    Args:
        task_id: Its id (tsk_…).
    """
    task = remote.client().post(route("tasks", task_id, "cancel"))
    remote.screen.answer(task, lambda: Text(safe(f"{task['id']}  {task['state']}  {_progress(task)}")))


def _progress(task: dict[str, Any]) -> str:
    return f"{task['done']} of {task['count']}"


def _rate(task: dict[str, Any]) -> str:
    return "max" if task["rate"] is None else f"{task['rate']:g}"


def _number(text: str) -> float | None:
    if text == "max":
        return None
    try:
        return float(text)
    except ValueError:
        raise Stop(f"{text!r} is neither a number of deliveries per second nor max", Exit.USAGE) from None
