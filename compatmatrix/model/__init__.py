"""The nouns: facts about a host and a stack, findings, decisions, locks, proofs. All frozen; no I/O."""
