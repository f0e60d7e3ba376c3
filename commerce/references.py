"""References the database does not check by itself, as rules of the audit (I6).

They are the columns whose models say `db_constraint=False`: docs/decisions/0009 says
why. Neighbour: rules.py has all other rules.
"""

from django.db.models import ForeignKey

from commerce.models import Move, Order, OrderLine
from commerce.rules import Rule


def unchecked() -> list[Rule]:
    """A rule for each such column: what it names is there."""
    return [
        _rule(field)
        for model in (Order, OrderLine, Move)
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey)
        and not field.deconstruct()[3].get("db_constraint", True)
    ]


def _rule(field: "ForeignKey[object, object]") -> Rule:
    table, column = field.model._meta.db_table, field.column
    to, key = field.related_model._meta.db_table, field.target_field.column
    name = field.model._meta.model_name or table
    sql = f"""SELECT own.id, own.{column} FROM {table} own
        LEFT JOIN {to} other ON other.{key} = own.{column}
        WHERE own.{column} IS NOT NULL AND other.{key} IS NULL ORDER BY own.id"""  # noqa: S608 - our names
    return Rule("I6", name, f"{name} {{0}}", f"its {field.name} {{1}} is gone", sql)


REFERENCES = unchecked()
