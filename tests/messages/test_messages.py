"""Every sentence of the program stands in the reviewed list, and each says what its kind has to say."""

import ast
import re

from messages.collect import LIST, SOURCES, UNREVIEWED, collected, head, read

UPDATE = (
    "Run `python tests/messages/collect.py --write`, read what is new in tests/messages/list.txt and give it a kind."
)
# A next step begins so; a placeholder is a hint whose own sentence is in the list.
STEPS = (
    r"Add|Ask|Average|Begin|Break|Build|Change|Check|Choose|Compare|Compute|Correct|Define|Did|Divide|Draw|"
    r"Exchange|Fetch|Find|Flatten|Follow|Give|Halve|Install|Keep|Leave|Let|Look|Make|Mend|Move|Name|Number|Open|"
    r"Orthonormalise|Pass|Put|Raise|Register|Remove|Rename|Reshape|Rewrite|Run|Save|Say|See|Set|Simulate|Sort|"
    r"Start|Sweep|Switch|Symmetrise|Take|Train|Treat|Try|Update|Use|Wait|Write"
)
HOLE = r"\{(?:[^{}]|\{[^{}]*\})*\}"
STEP = re.compile(
    rf"(?:[.?:;}}] |\. ?\{{ ?|^|\| )(?:{STEPS})\b"  # a sentence of its own, or one of several
    rf"|\. ?{HOLE}|: {{reason}}\.$"  # a hint, or a reason with its hint
    rf"|[;:,] (?:{STEPS.lower()})\b"  # within the sentence
)
# What is required, or why it cannot be.
ALLOWED = re.compile(
    r"\b(must|cannot|needs?|goes with|does not go|is for|are for|belongs to|unknown|missing|holds|has the name|"
    r"is not in|stays stable|led to no|has no|has at most|is not for)\b"
)
VALUE = re.compile(rf"{HOLE}|\bbut\b|\bmissing\b|because|has no|dynamics = |already|, which|'natural_gradient'")
SUBJECT = {
    "argument": re.compile(rf"^(Arguments? `|Options? -|Arguments? {HOLE}|Key `|Parameter [`{{]|Observable {{|`{{)"),
    "place": re.compile(
        r"[Ff]ile|Folder|[Ss]tore|Checkpoint|Worker|cluster|[Cc]hunk|results|process|memory|extension|page|table"
        r"|{name}: "
    ),
}
# Kinds that have to say what to do next.
WITH_STEP = ("argument", "key", "place", "state", "step")
KINDS = {
    *WITH_STEP, "refusal", "outcome", "note", "part", "report", "help", "internal",
}  # fmt: skip
LONGEST = 480  # characters of a sentence without what is filled in
UNFRIENDLY = re.compile(r"Traceback|\bTypeError\b|\bKeyError\b|\bNoneType\b|<class|\bstack trace\b|\bnull\b")

ENTRIES = [(name, entry) for name, entries in read().items() for entry in entries]


def faults(kinds, good):
    """The sentences of these kinds that are not good, with their files."""
    return [f"{name}: {entry.text}" for name, entry in ENTRIES if entry.kind in kinds and not good(entry.text)]


def test_the_list_holds_exactly_the_sentences_of_the_sources():
    found = {(name, sentence.text) for name, sentences in collected().items() for sentence in sentences}
    listed = {(name, entry.text) for name, entry in ENTRIES}
    assert sorted(found - listed) == [], f"Sentences that nobody has reviewed. {UPDATE}"
    assert sorted(listed - found) == [], f"Sentences that are gone. {UPDATE}"


def test_every_sentence_has_been_reviewed():
    assert [entry.text for _, entry in ENTRIES if entry.kind == UNREVIEWED] == [], UPDATE
    assert {entry.kind for _, entry in ENTRIES} == KINDS, "A kind is unknown, or of no use any more."


def test_the_head_of_the_list_explains_every_kind():
    assert all(f"#   {kind} " in head(LIST) for kind in KINDS)


def test_refused_arguments_are_named():
    for kind, subject in SUBJECT.items():
        assert faults((kind,), subject.search) == []


def test_refusals_say_what_is_allowed_and_what_was_given():
    assert faults(("argument", "key"), ALLOWED.search) == []
    assert faults(("argument", "key"), VALUE.search) == []


def test_the_reader_learns_what_to_do_next():
    assert faults(WITH_STEP, STEP.search) == []


def test_states_say_where_or_how_many():
    assert faults(("state",), lambda text: "{" in text or len(text.split()) >= 5) == []


def test_refused_verbs_name_others():
    named = re.compile(rf"ld\.|learndyn|--list|{{remedy}}|\. (?:{STEPS})\b")
    assert faults(("refusal",), named.search) == []


def test_internal_messages_have_a_reason():
    assert [entry.text for _, entry in ENTRIES if (entry.kind == "internal") != bool(entry.reason)] == []


def test_sentences_are_whole():
    whole = re.compile(r"(?:[.?!]|\.\.\.|[\])}\"'])$")
    kinds = KINDS - {"part", "internal", "key"}
    assert faults(kinds, whole.search) == []
    assert (
        faults(KINDS, lambda text: "  " not in text and not re.search(r" [.,;](?: |$)", text.replace(" . ", ""))) == []
    )


def test_placeholders_are_filled_in():
    """No sentence holds {name} as text: a missing f in front, or one brace too many. Formats of tqdm have its names."""
    place = re.compile(r"\{[a-z_]\w*(\.\w+|\[\w+\])*(![rs])?(:[.,\w]+)?\}")
    unfilled = [
        f"{path.name}:{node.lineno}: {node.value}"
        for path in SOURCES.rglob("*.py")
        if not re.search(r"figures|formulas|plot|equations", path.as_posix())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and place.search(node.value)
        if len(node.value.split()) > 2 and not re.search(r"\n|\\|\{(elapsed|n_fmt)", node.value)
    ]
    assert unfilled == []


def test_sentences_are_plain_and_short():
    assert faults(KINDS - {"internal"}, lambda text: not UNFRIENDLY.search(text)) == []
    assert faults(KINDS, lambda text: len(re.sub(HOLE, "", text)) <= LONGEST) == []


def test_values_are_shown_in_short():
    """`repr` of an argument may be a page of numbers: `learndyn.arguments.shown` is a line at most.

    Names and suggestions that the library knows are short.
    """
    long = re.compile(r"\{(?!close\[0\]|first|name|kind)[^{}]*!r\}")
    assert faults(("argument", "refusal"), lambda text: not long.search(text)) == []
