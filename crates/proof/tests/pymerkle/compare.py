"""Compares what strongroom says of trees (main.rs beside this file) with pymerkle."""

import sys

from pymerkle import InmemoryTree, verify_consistency
from pymerkle.proof import InvalidProof, MerkleProof

lines = [line.split(" ") for line in open(sys.argv[1], encoding="ascii").read().splitlines()]
tree = InmemoryTree(algorithm="sha256")
for leaf in range(max(int(line[1]) for line in lines if line[0] == "root")):
    tree.append_entry(f"event {leaf}".encode())


def hashes(text):
    return [bytes.fromhex(one) for one in text.split(",") if one]


def steps(old, new):
    """Which hashes of a consistency proof stand to the left: those that the old tree has, too (RFC 9162, 2.1.4.2)."""
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    while last:
        is_left = bool(node & 1) or node == last
        yield int(is_left)
        while is_left and not node & 1 and node:
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1


def is_consistent(old, new, path):
    if old == new:
        return not path
    if old & (old - 1) == 0:  # The old root itself is a node of the new tree, and is left out of the proof.
        path = [tree.get_state(old), *path]
    left = list(steps(old, new))
    if len(path) != len(left) + 1:
        return False
    proof = MerkleProof("sha256", True, new, [*left, 0], [1, *left], path)
    try:
        verify_consistency(tree.get_state(old), tree.get_state(new), proof)
    except InvalidProof:
        return False
    return True


count = {"root": 0, "inclusion": 0, "consistency": 0}
for kind, *rest in lines:
    if kind == "root":
        agrees = tree.get_state(int(rest[0])) == bytes.fromhex(rest[1])
    elif kind == "inclusion":
        index, size, path = int(rest[0]), int(rest[1]), hashes(rest[2])
        # Its path begins with the leaf itself.
        agrees = tree.prove_inclusion(index + 1, size).path[1:] == path
    else:
        agrees = is_consistent(int(rest[0]), int(rest[1]), hashes(rest[2]))
    if not agrees:
        sys.exit(f"pymerkle does not agree: {kind} {' '.join(rest)}")
    count[kind] += 1
print("agreed on {root} roots, {inclusion} inclusion and {consistency} consistency proofs".format(**count))
