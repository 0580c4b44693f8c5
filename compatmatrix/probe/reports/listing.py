"""Facts that stand in a row within a sentence, or one a line as in a chat: "I'm on Ubuntu 18.04, py 3.7, torch 1.8.0
(built for cuda 10.2), 2x V100, driver 450.80.02, installed with pip".

Each clause must be a fact from its first word to its last, and three must stand together: a state, and no story.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports import labels
from compatmatrix.probe.reports.seen import Seen, Trust, plain_name
from compatmatrix.probe.reports.text import Line

_TOGETHER = 3
"""Facts that must stand together to be taken for a list of facts."""
_LEAD = re.compile(
    r"(?:(?:so|and|also|well|hi|hello|setup|specs?|env(?:ironment)?|i'?m|i am|we'?re|we are|i have|i'?ve got|we have|"
    r"it'?s|this is|my (?:machine|box|laptop|pc|server|system|os|env(?:ironment)?)(?: is| runs| has)?|"
    r"(?:the )?(?:os|system|machine|server) is|my|our|the|an?|on|with|using|running|currently|it has|has|"
    r"ich (?:benutze|nutze|verwende|habe)|mit|eine?|und|j.utilise|j.ai|avec|et|une?|(?:estoy )?us(?:o|ando)|"
    r"tengo|con|"
    r"y|tenho|com|\u0443 \u043c\u0435\u043d\u044f|"
    r"\u0438\u0441\u043f\u043e\u043b\u044c\u0437\u0443\u044e)[\s:,]+){0,6}"
    # Chinese: my, environment, system, card, uses, is; and Japanese's "is" has no place before a fact.
    r"(?:\u6211(?:\u7684|\u7528\u7684)?|\u73af\u5883(?:\u662f|\u4e3a|:)?|\u64cd\u4f5c\u7cfb\u7edf|"
    r"\u7cfb\u7edf|\u662f|\u4e3a|\u7528\u7684|\s){0,4}",
    re.IGNORECASE,
)
_FLAVOUR = r"(?:\+(?:cu\d{2,3}|cpu|rocm\d[\d.]{0,6}))?"
_NOTE = r"(?:\s?\(([^()]{1,60})\))?"
_IS = r"(?:(?:[ ]version)?(?:[ ]is)?\s?[ =:v@]{1,4}|\s?(?:\u7248\u672c)?(?:\u53f7)?(?:\u662f|\u4e3a)?\s?[=:]?\s?(?=\d))"
_SYSTEM = re.compile(
    r"((?:Microsoft )?Windows(?: \d| Server|\s?\()|Win ?1[01]|Ubuntu|Debian|CentOS|RHEL|Red ?Hat|Fedora|Manjaro|"
    r"Arch Linux|openSUSE|SUSE|SLES|Rocky|Alma|Alpine|Amazon Linux|Pop!_OS|Linux Mint|Linux|macOS|Mac OS X|"
    r"Google Colab|Kaggle|TencentOS)([\w .():/+-]{0,60}?)(?: box| machine| server| laptop| host| system| pc| here)?$",
    re.IGNORECASE,
)
_MACHINE = re.compile(r"(?:(?:machine|architecture|cpu|arch)[ ](?:is )?)?(aarch64|arm64|x86_64|amd64)$", re.IGNORECASE)
_PYTHON = re.compile(rf"(?:python|py)(?:{_IS}|(?=3))(3\.\d{{1,2}}(?:\.\d{{1,2}})?t?){_NOTE}$", re.IGNORECASE)
_TORCH = re.compile(rf"(?:py)?torch{_IS}([0-2]\.\d{{1,2}}(?:\.\d{{1,2}})?{_FLAVOUR}){_NOTE}$", re.IGNORECASE)
_OTHER = re.compile(
    rf"(torchvision|torchaudio|fastai|fastcore|numpy|pillow){_IS}(\d{{1,2}}\.\d{{1,2}}(?:\.\d{{1,3}})?{_FLAVOUR}){_NOTE}$",
    re.IGNORECASE,
)
_BUILT = re.compile(
    r"(?:built|compiled)?\s?(?:for|with|against)?\s?cu(?:da)?\s?(\d{1,2}\.\d)(?: build)?$", re.IGNORECASE
)
_CPU_BUILD = re.compile(r"(?:the )?cpu(?:[- ]only)?(?: one| build| version| wheel)?$", re.IGNORECASE)
_TORCH_CUDA = re.compile(r"torch\.version\.cuda(?: is| says| gives| prints|:| =+)? (\d{1,2}\.\d|None)$", re.IGNORECASE)
_GPU_NAME = (
    r"(?:(?:NVIDIA|GeForce|Tesla|Quadro) )*(?:(?:RTX|GTX) ?(?:PRO |A)?\d{3,4}(?:[ -]?(?:Ti|"
    r"Super))*(?: Laptop(?: GPU)?)?|"
    r"Titan ?(?:X|V|RTX|Xp)|(?:K20m?|K40[cm]?|K80|M60|P4|P40|P100|V100S?|T4|A10G?|A30|A40|A100|A800|L4|L40S?|H20|"
    r"H100|H200|H800|B200|B300|GB10|GB200|GB300)(?:-[A-Z0-9]+){0,3}|Jetson(?: [A-Z][\w]+){1,3}|DGX Spark)"
)
_GPU = re.compile(
    rf"(?:gpus?|cards?|graphics cards?|\u663e\u5361(?:\u578b\u53f7)?)?(?: is| are|\u662f|\u4e3a)?[ :]{{0,3}}"
    rf"(?:an? )?(?:\d{{1,2}}\s?x\s?|\d{{1,2}} of them:? )?({_GPU_NAME})(?: \d{{1,3}} ?GB)?{_NOTE}"
    r"(?: in (?:it|here|there))?$",
    re.IGNORECASE,
)
_DRIVER = re.compile(
    r"(?:(?:nvidia |gpu )?(?:drivers?|treiber|pilotes?|controlador|\u0434\u0440\u0430\u0439\u0432\u0435\u0440)"
    r"(?: version)?(?: is)?[ :=]{1,3}|"
    r"(?:nvidia|\u663e\u5361)?\s?\u9a71\u52a8(?:\u7248\u672c)?(?:\u662f|\u4e3a)?[ :=]{0,3})"
    r"([3-6]\d\d\.\d{2,3}(?:\.\d{2,3})?)$",
    re.IGNORECASE,
)
_OFFERED = re.compile(
    r"nvidia-smi(?![A-Za-z])[\w ,:()-]{0,30}?(?<![A-Za-z])CUDA(?: Version)?[ :=]{1,3}(\d{1,2}\.\d)$|"
    r"CUDA(?: Version)?[ :=]{1,3}(\d{1,2}\.\d) (?:in|by|from|per|according to) nvidia-smi$",
    re.IGNORECASE,
)
_TOOLKIT = re.compile(
    r"(?:nvcc|(?:the )?cuda toolkit)(?: --version)?(?: is| says|:)? (\d{1,2}\.\d)[\d.]*$", re.IGNORECASE
)
_INSTALLER = re.compile(
    r"(?:all )?installed (?:it |torch |everything )?(?:with|by|via|from|using|through) "
    r"((?:pip|conda|mamba|uv|poetry)[\w +]{0,24})$",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"(?:container|image|docker image|imagen|\u955c\u50cf)(?: is|:|\u662f|\u4e3a)?\s?"
    r"((?=[\w./-]*[/:])[\w./-]+(?::[\w.-]+)?)$",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"(?:cu(?:da|dnn)(?: in the system)?(?: version)?(?: is)?[ :=]{1,3}\d[\d.]*|ldd --version says \d\.\d+|"
    r"(?:mkl|cudatoolkit|transformers|lightning|vllm|gcc|triton|xformers)[ =:]{1,3}\d[\d.]*)$",
    re.IGNORECASE,
)
_STORY = re.compile(
    r"\b(?:requir\w+|needs?|should|must|recommend\w*|support(?:s|ed)?|tested|compatible|would|want\w*|tried|trying|"
    r"before|previous\w*|works? (?:with|on|in|fine)|worked|or newer|or later|or older|at least|e\.g|for example|not|"
    r"instead|which)\b|[<>]=?|\?|\bor\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?:so |and )?(?:i'?m|i am|we'?re|we are|my (?:machine|os|system|laptop|pc|box)|this is)\b|"
    r"\u7cfb\u7edf(?:\u662f|\u4e3a)",
    re.IGNORECASE,
)
"""Who says of his system "I'm on ..." leaves less open: that counts twice."""
_SPLIT = re.compile(
    r"\s*[,;|]\s+|\s*\u3001\s*|\s+/\s+|\s+(?:and|with|plus)\s+(?=(?:the |an? )?[A-Za-z]+[ =:]{1,3}v?\d)"
)
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])|[\u3002\uff01\uff1f]\s*")
_ASIDE = re.compile(r"\(((?:[^()]|\([^()]{0,60}\)){20,400})\)")
_KEY = re.compile(r"([A-Za-z][\w .()-]{1,30}?)\s?[=:]{1,2}\s?(\S.{0,100})$")


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """The facts of sentences that list three and more, and of short lines that stand together and hold one each."""
    row: list[Seen] = []
    facts = misses = 0
    for line in lines:
        if len(line.text) > 600:
            continue
        count, found = 0, list[Seen]()
        for sentence in _SENTENCES.split(line.text):
            told, seen = _of_sentence(sentence, line.number)
            count, found = count + told, [*found, *seen]
        if count >= _TOGETHER:
            yield from found
        elif count:
            row, facts, misses = [*row, *found], facts + count, 0
        else:
            misses += 1
        if misses > 1:
            if facts >= _TOGETHER:
                yield from row
            row, facts, misses = [], 0, 0
    if facts >= _TOGETHER:
        yield from row


def _of_sentence(sentence: str, number: int) -> tuple[int, list[Seen]]:
    """How many clauses are facts, and what they tell; none where the sentence tells a story."""
    count, found = 0, list[Seen]()
    for part in (_ASIDE.sub(" ", sentence), *_ASIDE.findall(sentence)):
        clauses = [clause.strip() for clause in _SPLIT.split(part.strip(" .;!"))]
        told = [(clause, _of_clause(clause, number)) for clause in clauses]
        facts = [seen for _, seen in told if seen is not None]
        if facts and not _STORY.search(part):
            own = any(seen and seen[0].fact == "os" and _OWN.match(clause) for clause, seen in told)
            count += len(facts) + own
            found += [one for seen in facts for one in seen]
    return count, found


def _of_clause(clause: str, number: int) -> list[Seen] | None:
    """What one clause tells; None where it is no fact. An empty list is a fact that nobody here needs."""
    if not clause or len(clause) > 100:
        return None
    lead = _LEAD.match(clause)
    text = clause[lead.end() :] if lead else clause
    for pattern, fact in _FACTS:
        match = pattern.match(text)
        if match:
            value = next(group for group in match.groups() if group)
            return [Seen(fact, value, number, Trust.PROSE)]
    torch = _TORCH.match(text)
    if torch:
        return [Seen("torch", torch[1], number, Trust.PROSE, package=True), *_note(torch[2] or "", number)]
    other = _OTHER.match(text)
    if other:
        return [Seen(plain_name(other[1]), other[2], number, Trust.PROSE, package=True)]
    system = _SYSTEM.match(text)
    if system:
        return [Seen("os", (system[1] + system[2]).strip(), number, Trust.PROSE)]
    built = _TORCH_CUDA.match(text)
    if built:
        return [Seen("torch-cuda", "cpu" if built[1].lower() == "none" else built[1], number, Trust.PROSE)]
    if _COUNTS.match(text):
        return []
    key = _KEY.match(text)
    told = list(labels.labelled(key[1].strip().lower(), key[2].strip(), Line(number, clause))) if key else []
    return [one._replace(trust=Trust.PROSE) for one in told] or None


_FACTS = (
    (_PYTHON, "python"), (_GPU, "gpu"), (_DRIVER, "driver"), (_OFFERED, "driver-cuda"), (_MACHINE, "machine"),
    (_TOOLKIT, "toolkit"), (_INSTALLER, "installer"), (_IMAGE, "image"),
)  # fmt: skip


def _note(note: str, number: int) -> Iterator[Seen]:
    built = _BUILT.match(note.strip())
    if built:
        yield Seen("torch-cuda", built[1], number, Trust.PROSE)
    elif _CPU_BUILD.match(note.strip()):
        yield Seen("torch-cuda", "cpu", number, Trust.PROSE)
