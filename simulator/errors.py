"""Meta's errors as values that travel up the call stack and leave as the documented envelope.

GraphError(message, code=…)        one refusal, with everything the envelope can say
invalid_parameter · missing_object · permission_missing · token_dead · too_much_data    the usual ones
"""

from collections.abc import Mapping
from typing import Any

# https://developers.facebook.com/docs/graph-api/guides/error-handling (read 2026-11-21)
# Subcodes 452, 465: facebook-for-woocommerce (read 2026-11-21). The texts: Unverified.
TOKEN_DEATHS: Mapping[int | None, str] = {
    None: "The access token could not be decrypted or was revoked",
    452: "Session does not match current stored session. The person logged in elsewhere",
    458: "The user has not authorized application",
    459: "The session was invalidated because the user is checkpointed",
    460: "The session has been invalidated because the user changed the password",
    463: "Session has expired",
    464: "The user is not confirmed",
    465: "Sessions for this user are not allowed",
    467: "The access token is invalid since the user has logged out",
    492: "The page token's user no longer has an appropriate role on the Page",
}


class GraphError(Exception):
    """A refusal in Meta's words.

    `status` is the HTTP status, `headers` go out with the answer.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        subcode: int | None = None,
        type: str = "OAuthException",
        status: int = 400,
        transient: bool = False,
        title: str | None = None,
        user_message: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.subcode, self.type = message, code, subcode, type
        self.status, self.transient, self.title, self.user_message = status, transient, title, user_message
        self.headers: Mapping[str, str] = headers or {}

    def envelope(self, trace_id: str) -> dict[str, Any]:
        """Write the `error` object exactly as Graph does: absent members are left out."""
        error: dict[str, Any] = {"message": self.message, "type": self.type, "code": self.code}
        optional = {
            "error_subcode": self.subcode,
            "is_transient": self.transient,
            "error_user_title": self.title,
            "error_user_msg": self.user_message,
        }
        error |= {name: value for name, value in optional.items() if value is not None}
        return {"error": error | {"fbtrace_id": trace_id}}


def invalid_parameter(message: str, *, subcode: int | None = None, title: str | None = None) -> GraphError:
    """Refuse a parameter (code 100)."""
    return GraphError(
        f"(#100) {message}", code=100, subcode=subcode, title=title, user_message=message if title else None
    )


def missing_object(verb: str, node_id: str) -> GraphError:
    """Refuse an object that is absent or out of reach; Graph never says which."""
    # Unverified: 100/33 is recalled; the sentence is ours, its first three words are Meta's.
    return GraphError(
        f"Unsupported {verb.lower()} request. Object with ID '{node_id}' does not exist, is out of reach for this "
        "token, or does not support this operation",
        code=100,
        subcode=33,
        type="GraphMethodException",
    )


def unknown_path(verb: str, path: str) -> GraphError:
    """Refuse a path that is no node and no edge."""
    return GraphError(
        f"Unknown path components: /{path}" if path else f"Unsupported {verb.lower()} request",
        code=2500,
        type="OAuthException",
    )


def unknown_alias(name: str) -> GraphError:
    """Refuse a name that stands where an id should."""
    # Code 803: Meta's order guide. The sentence is ours.
    return GraphError(f"(#803) There is nothing with the alias: {name}", code=803, status=404)


def permission_missing(scope: str) -> GraphError:
    """Refuse a token that lacks a scope."""
    return GraphError(f"(#200) The {scope} permission is required for this call", code=200, status=403)


def token_dead(subcode: int | None) -> GraphError:
    """Refuse a token that no longer works (code 190), with the subcode that says why."""
    reason = TOKEN_DEATHS.get(subcode, TOKEN_DEATHS[None])
    return GraphError(f"Error validating access token: {reason}.", code=190, subcode=subcode, status=401)


def too_much_data() -> GraphError:
    """Refuse a body or a page that is too big; the remedy is to split, never to repeat."""
    # https://developers.facebook.com/docs/marketing-api/catalog-batch/guides/send-product-updates (read 2026-11-21)
    return GraphError("Please reduce the amount of data you're asking for, then retry your request", code=1, status=500)
