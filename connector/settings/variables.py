"""The table of every environment variable; `.env.example` is written from it."""

from dataclasses import dataclass

from connector.values import OPTIONAL


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: its meaning, its default (None: required), and whether it is secret."""

    name: str
    meaning: str
    default: str | None = None
    secret: bool = False
    example: str = ""


VARIABLES = (
    Variable("PROFILE", "`production`, or `development`: reflection on, development token allowed", "production"),
    Variable(
        "DATABASE_URL", "PostgreSQL ≥ 14", None, secret=True, example="postgresql://connector:…@localhost/connector"
    ),
    Variable(
        "REDIS_URL",
        "Redis ≥ 6.2 or Valkey; carries wake-ups only, may be emptied at any time",
        None,
        secret=True,
        example="redis://localhost:6379/0",
    ),
    Variable("GRPC_ADDRESS", "host:port of the gRPC server; port 0 takes a free one", "127.0.0.1:50051"),
    Variable("WEBHOOK_ADDRESS", "host:port of the webhook ingress", "127.0.0.1:8080"),
    Variable("METRICS_ADDRESS", "host:port of this process's Prometheus endpoint; empty turns it off", ""),
    Variable(
        "PUBLIC_URL",
        "base URL under which Meta and browsers reach the ingress",
        None,
        example="https://facebook.stormcom.example",
    ),
    Variable("META_GRAPH_URL", "the Graph API", "https://graph.facebook.com"),
    Variable("META_DIALOG_URL", "where the login dialog lives", "https://www.facebook.com"),
    Variable("META_GRAPH_VERSION", "the Graph API version we speak, unless an app has its own", "v26.0"),
    # Unverified: how long Meta takes at the most; about two minutes are usual.
    Variable(
        "META_BATCH_SECONDS",
        "how long Meta may work on a batch: items of one whose answer was lost rest that long before they are sent again",
        "240",
    ),
    # Unverified: an hour by the rate limits' documentation, a minute by that of batches.
    Variable(
        "META_BATCH_WINDOW_SECONDS", "the time in which Meta counts a catalog's batches for its rate limit", "3600"
    ),
    *(
        Variable(
            f"{whose}_TAXONOMY_FILE",
            f"{whose.title()}'s list of product categories, from {link}; empty checks their form only",
            "",
        )
        for whose, link in (
            ("GOOGLE", "https://www.google.com/basepages/producttype/taxonomy-with-ids.en-US.txt"),
            ("META", "https://www.facebook.com/products/categories/en_US.txt"),
        )
    ),
    *(
        variable
        for world, which in (("PRODUCTION", "live"), ("TEST", "test"))
        for variable in (
            Variable(f"META_{world}_APP_ID", f"id of the {which} app; one of the two profiles is required", ""),
            Variable(
                f"META_{world}_APP_SECRETS",
                f"secrets of the {which} app, comma separated: the first signs, all verify",
                "",
                secret=True,
            ),
            Variable(
                f"META_{world}_VERIFY_TOKEN",
                f"what Meta must say in the {which} app's webhook handshake",
                "",
                secret=True,
            ),
            Variable(
                f"META_{world}_LOGIN_CONFIG_ID",
                f"the {which} app's configuration of Facebook Login for Business; empty asks for permissions instead",
                "",
            ),
            Variable(
                f"META_{world}_GRAPH_VERSION",
                f"the Graph API version the {which} app speaks; empty takes META_GRAPH_VERSION",
                "",
            ),
            Variable(
                f"META_{world}_CAPABILITIES",
                f"what the {which} app asks merchants for beyond the basics, comma separated: {', '.join(OPTIONAL)}",
                "",
            ),
        )
    ),
    Variable(
        "VAULT_KEYS",
        "keys that seal tokens, `id:base64 of 32 bytes`, comma separated: the first seals, all open",
        None,
        secret=True,
        example="1:…",
    ),
    Variable("CALLER_JWKS", "JSON Web Key Set that verifies callers' tokens; required in production", "", secret=True),
    Variable("CALLER_AUDIENCE", "the audience callers' tokens must name", "facebook-connector"),
    Variable("DEVELOPMENT_TOKEN", "a bearer token that may do everything; development only", "", secret=True),
    Variable("LOG_LEVEL", "debug, info, warning or error", "info"),
    Variable("LOG_FORMAT", "json or console; empty decides by the terminal", ""),
)
"""Every variable the service reads, in the order of `.env.example`."""


def write_example() -> str:
    """Write `.env.example`."""
    lines = ["# Every setting of the connector. A secret X may stand in a file named by X_FILE instead."]
    for variable in VARIABLES:
        kind = "required" if variable.default is None else f"default: {variable.default or 'empty'}"
        value = variable.example if variable.default is None else variable.default
        lines += [
            "",
            f"# {variable.meaning} ({kind}{', secret' if variable.secret else ''})",
            f"{variable.name}={value}",
        ]
    return "\n".join(lines) + "\n"
