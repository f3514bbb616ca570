"""Meta's error codes as a table: what each means, who must act, and what mends it.

A row matches a code and, when it names one, a subcode; the row with the subcode wins. A code that no row names is treated by its
HTTP status: 5xx is unavailable, everything else refused. New knowledge is a new row.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a code asks us to do."""

    UNAVAILABLE = "UNAVAILABLE"  # repeat later
    THROTTLED = "THROTTLED"  # pause the bucket
    TOO_LARGE = "TOO_LARGE"  # send less at once
    TOKEN = "TOKEN"  # noqa: S105 – a word, not a secret: the merchant connects again
    PERMISSION = "PERMISSION"  # the merchant grants a permission
    POLICY = "POLICY"  # Meta blocks the action for a while
    RETIRED = "RETIRED"  # gone for good
    APPROVAL = "APPROVAL"  # Meta has to approve our app
    VERSION = "VERSION"  # operators raise the Graph version
    REFUSED = "REFUSED"  # the request, or the thing it is about, is wrong
    WINDOW = "WINDOW"  # too late to write to this person
    PERSON = "PERSON"  # this person cannot be written to
    FREQUENCY = "FREQUENCY"  # this person gets no more for now
    OWNED = "OWNED"  # another app controls the thread
    UNCERTAIN = "UNCERTAIN"  # may have happened: look first


class Owner(StrEnum):
    """Who can mend it."""

    MERCHANT = "MERCHANT"
    STORMCOM = "STORMCOM"
    META = "META"


REASONS = {
    Kind.UNAVAILABLE: "META_UNAVAILABLE",
    Kind.THROTTLED: "META_THROTTLED",
    Kind.TOO_LARGE: "META_REJECTED",
    Kind.TOKEN: "META_TOKEN_INVALID",
    Kind.PERMISSION: "META_PERMISSION_MISSING",
    Kind.POLICY: "META_POLICY_BLOCKED",
    Kind.RETIRED: "CAPABILITY_RETIRED_BY_META",
    Kind.APPROVAL: "META_APP_NOT_APPROVED",
    Kind.VERSION: "GRAPH_VERSION_RETIRED",
    Kind.REFUSED: "META_REJECTED",
    Kind.WINDOW: "MESSAGING_WINDOW_CLOSED",
    Kind.PERSON: "META_PERSON_UNREACHABLE",
    Kind.FREQUENCY: "MESSAGE_FREQUENCY_CAPPED",
    Kind.OWNED: "THREAD_OWNED_ELSEWHERE",
    Kind.UNCERTAIN: "META_OUTCOME_UNKNOWN",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: a code, what it means, who mends it and how. `subcode` 0 stands for any."""

    code: int
    subcode: int
    kind: Kind
    owner: Owner
    meaning: str
    remedy: str

    @property
    def reason(self) -> str:
        """The value of ErrorReason that callers see."""
        return REASONS[self.kind]


_GRAPH = "https://developers.facebook.com/docs/graph-api/guides/error-handling (read 2026-11-21)"
_LIMITS = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21)"
_SEND = "https://developers.facebook.com/docs/messenger-platform/error-codes (read 2026-11-21)"
_WOO = "facebook-for-woocommerce a1e17a8, includes/API.php (read 2026-11-21)"
_SETUP = "Unverified: https://developers.facebook.com/docs/facebook-login/guides/access-tokens/debugging"

_AGAIN = "The merchant connects again."
_WAIT = "Nothing: work resumes by itself."
_MEND = "Mend what the message names and send it again."


def _rows(
    source: str, kind: Kind, owner: Owner, remedy: str, meanings: dict[tuple[int, int], str]
) -> list[tuple[Fault, str]]:
    return [
        (Fault(code, subcode, kind, owner, meaning, remedy), source) for (code, subcode), meaning in meanings.items()
    ]


_TABLE = [
    *_rows(_GRAPH, Kind.UNAVAILABLE, Owner.META, _WAIT, {
        (1, 0): "Meta had an unknown error.",
        (2, 0): "Meta's service is down for now.",
        (1200, 0): "Meta had a temporary failure while sending.",
    }),
    *_rows(_LIMITS, Kind.THROTTLED, Owner.META, _WAIT, {
        (4, 0): "The app's call limit is reached.",
        (17, 0): "The user's call limit is reached.",
        (32, 0): "The Page's call limit is reached.",
        (341, 0): "An application limit is reached.",
        (613, 0): "A custom rate limit is reached.",
        (80000, 0): "The insights limit is reached.",
        (80001, 0): "The Page's call limit is reached.",
        (80002, 0): "Instagram's call limit is reached.",
        (80003, 0): "The custom audience limit is reached.",
        (80004, 0): "The ads management limit is reached.",
        (80005, 0): "The lead generation limit is reached.",
        (80006, 0): "The Messenger limit is reached.",
        (80008, 0): "The WhatsApp limit is reached.",
        (80009, 0): "The catalog management limit is reached.",
        (80014, 0): "The catalog batch limit is reached.",
    }),
    *_rows(_GRAPH, Kind.TOKEN, Owner.MERCHANT, _AGAIN, {
        (102, 0): "The login session has ended.",
        (190, 0): "The access token is not valid.",
        (190, 458): "The merchant removed the app.",
        (190, 459): "Facebook wants the merchant to log in and pass a check.",
        (190, 460): "The merchant's Facebook password has changed.",
        (190, 463): "The access token has expired.",
        (190, 464): "The merchant's Facebook account is not confirmed.",
        (190, 467): "The access token is not valid any more.",
        (190, 492): "The merchant lost the role on the Page.",
    }),
    *_rows(_WOO, Kind.TOKEN, Owner.MERCHANT, _AGAIN, {
        (190, 452): "The merchant logged in elsewhere and the session ended.",
        (190, 465): "The business or its system user is gone.",
    }),
    *_rows(_SETUP, Kind.REFUSED, Owner.STORMCOM, "Operators check META_*_APP_ID and META_*_APP_SECRETS.", {
        (101, 0): "Meta does not know the app, or its secret is wrong.",
        (104, 0): "The proof of the app secret is wrong.",
    }),
    *_rows(_GRAPH, Kind.PERMISSION, Owner.MERCHANT, "The merchant connects again and grants the permission.", {
        (10, 0): "A permission is missing or was taken away.",
        **{(code, 0): "A permission is missing." for code in range(200, 300)},
    }),
    *_rows(_GRAPH, Kind.POLICY, Owner.MERCHANT, "The merchant looks into Meta's account quality page.", {
        (368, 0): "Meta blocks this action for policy reasons.",
    }),
    *_rows("Unverified: recalled from Meta's changelogs", Kind.RETIRED, Owner.META, "Nothing: Meta switched it off.", {
        (12, 0): "This part of the API is gone.",
    }),
    *_rows("Unverified: recalled from Meta's changelogs", Kind.VERSION, Owner.STORMCOM, "Operators raise META_GRAPH_VERSION.", {
        (2635, 0): "This version of the API is gone.",
    }),
    *_rows(_GRAPH, Kind.APPROVAL, Owner.STORMCOM, "Operators bring the app through Meta's review.", {
        (3, 0): "The app may not do this.",
    }),
    *_rows(_GRAPH, Kind.REFUSED, Owner.STORMCOM, _MEND, {
        (-1, 0): "Meta refuses the request.",
        (100, 0): "A parameter is not valid.",
        (100, 33): "The object does not exist or is out of our reach.",
        (506, 0): "The same was posted already.",
        (803, 0): "The object does not exist.",
    }),
    *_rows(_SEND, Kind.WINDOW, Owner.MERCHANT, "Wait for the person to write again.", {
        (10, 2018278): "The person's last message is too long ago.",
        (10, 2018065): "The person's last message is too long ago.",
    }),
    *_rows(_SEND, Kind.PERSON, Owner.META, "Nothing: this person cannot be reached.", {
        (10, 2018108): "The person does not receive messages now.",
        (200, 1545041): "The person does not receive messages now.",
        (551, 0): "The person is not available.",
        (100, 2018001): "No such person writes with this Page.",
    }),
    *_rows(_SEND, Kind.REFUSED, Owner.STORMCOM, _MEND, {
        (100, 2018109): "The attachment is too large.",
        (100, 2018032): "The message is not valid.",
    }),
    *_rows(_SEND, Kind.PERMISSION, Owner.STORMCOM, "The app needs Meta's approval for messaging.", {
        (1, 99): "A permission or verification is missing.",
        (2, 2018344): "An admin of the Page must accept Meta's terms for contacts.",
        (230, 0): "The messaging permission or the person's consent is missing.",
    }),
    *_rows(_SEND, Kind.APPROVAL, Owner.STORMCOM, "Operators bring the app through Meta's review.", {
        (10, 2018028): "The app is not approved for messaging.",
        (200, 2018028): "The app is not approved for messaging.",
    }),
    *_rows(_SEND, Kind.THROTTLED, Owner.META, _WAIT, {
        (4, 2018022): "Too many messages at once.",
    }),
    *_rows(_SEND, Kind.FREQUENCY, Owner.META, "Wait a day before the person gets another of this kind.", {
        (4, 2018354): "Too many messages to this person.",
        (9, 2018352): "Too many messages to this person.",
    }),
    *_rows("Unverified: recalled of the handover protocol", Kind.OWNED, Owner.MERCHANT, "Take the conversation over (TakeConversation), answer in the other app, or wait until it passes the thread back.", {
        (10, 2018300): "Another app controls this conversation.",
    }),
    *_rows(_SEND, Kind.UNCERTAIN, Owner.META, "Nothing: it is settled in the background.", {
        (1, 1357046): "Meta's own answer broke; the message probably went out.",
    }),
]  # fmt: skip

# https://developers.facebook.com/docs/marketing-api/catalog-batch (read 2026-11-21): the one fault told only by its words.
TOO_LARGE = Fault(
    1, 0, Kind.TOO_LARGE, Owner.STORMCOM, "The request asks for too much at once.", "Nothing: less is sent at once."
)
_TOO_LARGE_WORDS = "reduce the amount of data"

# https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21): these stop all calls of the app.
APP_WIDE = {(4, 0), (341, 0)}

FAULTS = {(fault.code, fault.subcode): fault for fault, _ in _TABLE}
SOURCES = {(fault.code, fault.subcode): source for fault, source in _TABLE}


def find(code: int, subcode: int, message: str) -> Fault | None:
    """Find the row of a code: with its subcode, else without; None when Meta's code is new to us."""
    if code == 1 and _TOO_LARGE_WORDS in message:
        return TOO_LARGE
    return FAULTS.get((code, subcode)) or FAULTS.get((code, 0))
