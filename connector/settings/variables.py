"""The table of every environment variable; `.env.example` is written from it."""

from dataclasses import dataclass

from connector.values import OPTIONAL
from connector.vault.services import SERVICES


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
    Variable(
        "GRPC_TLS_CERTIFICATE_FILE",
        "PEM file of the gRPC server's certificate and chain; read again when it changes",
        "",
    ),
    Variable("GRPC_TLS_KEY_FILE", "PEM file of that certificate's key", ""),
    Variable(
        "GRPC_TLS_CLIENT_CA_FILE", "PEM file of who signs callers' certificates; given, every caller needs one", ""
    ),
    Variable(
        "GRPC_PLAINTEXT",
        "where the gRPC server may do without TLS: `loopback`, or `behind-proxy` when a proxy in front ends TLS",
        "loopback",
    ),
    Variable("GRPC_MESSAGE_BYTES", "the largest request and answer", str(8 * 1024 * 1024)),
    Variable("GRPC_STREAMS", "calls at once on one connection; more wait at the caller", "256"),
    Variable("GRPC_CALLS", "calls at once on this process; more are refused with TOO_MANY_CALLS", "1000"),
    Variable("GRPC_PING_SECONDS", "an idle caller that pings more often, three times, loses its connection", "10"),
    Variable("GRPC_CONNECTION_SECONDS", "a connection's age at which the caller is asked to make a new one", "1800"),
    Variable("GRPC_DEADLINE_SECONDS", "how long a call may take whose caller set no deadline", "10"),
    Variable("GRPC_LONGEST_DEADLINE_SECONDS", "the longest deadline that a caller gets", "60"),
    Variable(
        "DATABASE_ROW_SECURITY",
        "`required`: calls see their store's rows only, by PostgreSQL's row-level security; or `off`",
        "required",
    ),
    Variable(
        "PUSH_ADDRESSES",
        "where events may be pushed to: `public`, https only; or `any`, for development only",
        "public",
    ),
    Variable("PUSH_PATIENCE_SECONDS", "a push of which nothing got through for so long is disabled", "259200"),
    Variable("WEBHOOK_ADDRESS", "host:port of the webhook ingress", "127.0.0.1:8080"),
    Variable(
        "WEBHOOK_PROCESSES",
        "how many processes serve that address together; with several, METRICS_ADDRESS is the first one's, the others take the ports after it",
        "1",
    ),
    Variable("METRICS_ADDRESS", "host:port of this process's Prometheus endpoint; empty turns it off", ""),
    Variable(
        "PUBLIC_URL",
        "base URL under which Meta and browsers reach the ingress",
        None,
        example="https://facebook.stormcom.example",
    ),
    Variable(
        "TRUSTED_PROXIES",
        "networks of the reverse proxies in front of the ingress, comma separated: only they are believed who calls, and how",
        "",
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
    Variable("BACKFILL_DAYS", "how many days of conversations are read back at Meta when a store connects", "30"),
    Variable("BACKFILL_CONVERSATIONS", "how many conversations one reading back looks at, at the most", "500"),
    # Unverified: 300 texts and 10 files a second and Page are recalled; Instagram's 100 and 10 are documented.
    Variable("META_MESSAGES_PER_SECOND", "how many messages a second a Page sends at most", "100"),
    Variable("META_MEDIA_PER_SECOND", "how many images, videos and sounds a second a Page sends at most", "10"),
    Variable(
        "BULK_MESSAGES_PER_SECOND",
        "how many bulk messages a second a Page begins; the rest stays for people's own",
        "10",
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
                f"META_{world}_SHA1_SIGNATURES",
                f"`on`: a webhook of the {which} app that bears only the older SHA-1 signature is taken; or `off`",
                "off",
            ),
            Variable(
                f"META_{world}_LOGIN_CONFIG_ID",
                f"the {which} app's configuration of Facebook Login for Business; empty asks for permissions instead",
                "",
            ),
            Variable(
                f"META_{world}_CLIENT_TOKEN",
                f"the {which} app's client token, for installing Meta Business Extension in an iframe; empty: only in the dialog",
                "",
                secret=True,
            ),
            Variable(
                f"META_{world}_GRAPH_VERSION",
                f"the Graph API version the {which} app speaks; empty takes META_GRAPH_VERSION",
                "",
            ),
            Variable(
                f"META_{world}_WEBHOOKS",
                f"whether the {which} app's webhooks are set by the service where they are wrong: `watch` only tells, `keep` sets them, every hour",
                "watch",
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
        "keys that seal tokens, `id:base64 of 32 bytes`, comma separated: the first seals, all open; required without VAULT_KMS",
        "",
        secret=True,
        example="1:…",
    ),
    Variable(
        "VAULT_KMS",
        "keys that live in a key service, comma separated, with ids of their own: "
        + ", ".join(f"`id:{service.form}`" for service in SERVICES.values())
        + "; the first seals instead of VAULT_KEYS, all open",
        "",
    ),
    Variable("VAULT_SEALING_KEY", "id of the key that seals, where it is not the first", ""),
    Variable("VAULT_TRANSIT_TOKEN", "what Vault Transit lets us in with; empty behind a Vault Agent", "", secret=True),
    Variable(
        "CALLER_JWKS",
        "JSON Web Key Set that verifies callers' tokens; this or CALLER_JWKS_URL is required in production",
        "",
        secret=True,
    ),
    Variable("CALLER_JWKS_URL", "where the key set is fetched from instead; keys may change there at any time", ""),
    Variable("CALLER_JWKS_SECONDS", "how often it is fetched; a token with an unknown key asks for it sooner", "300"),
    Variable("CALLER_TOKEN_SECONDS", "the longest time from `iat` to `exp` that a caller's token may have", "600"),
    Variable("CALLER_AUDIENCE", "the audience callers' tokens must name", "facebook-connector"),
    Variable("DEVELOPMENT_TOKEN", "a bearer token that may do everything; development only", "", secret=True),
    Variable(
        "SMTP_URL",
        "the mail server that forwards messages: `smtps://user:password@host:465`, or `smtp://…`, where STARTTLS is demanded; empty: nothing is forwarded",
        "",
        secret=True,
    ),
    Variable("MAIL_FROM", "the sender of forwarded mails, such as `StormCom <mail@stormcom.example>`", ""),
    Variable(
        "MAIL_REPLY_TO",
        "where answers to forwarded mails go, such as `reply+{token}@mail.stormcom.example`, for `ResolveReplyAddress`; empty: they cannot be answered",
        "",
    ),
    Variable("SMTP_TIMEOUT_SECONDS", "how long the mail server may be silent", "20"),
    Variable("SMTP_CA_FILE", "PEM file of who signs the mail server's certificate; empty trusts the system's", ""),
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
