"""What is wrong with one product, by path: refusals keep an item back, warnings tell what was mended."""

from connector.registry.model import ItemFault, Severity

_SHOWN = 60


class Findings(list[ItemFault]):
    """Collects what is wrong with one product; each says the field, the rule and its fix, and the value it is about."""

    def refuse(self, path: str, reason: str, rule: str, value: object = None) -> None:
        """Keep the item back."""
        self.append(ItemFault(Severity.ERROR, reason, path, _message(path, rule, value)))

    def warn(self, path: str, reason: str, rule: str, value: object = None) -> None:
        """Tell what was mended."""
        self.append(ItemFault(Severity.WARNING, reason, path, _message(path, rule, value)))

    @property
    def refused(self) -> bool:
        """Whether anything keeps the item back."""
        return any(fault.severity is Severity.ERROR for fault in self)


def _message(path: str, rule: str, value: object) -> str:
    if value is None:
        return f"{path}: {rule}"
    shown = repr(value[:_SHOWN] + "…" if isinstance(value, str) and len(value) > _SHOWN else value)
    return f"{path}: {rule}; it is {shown}"
