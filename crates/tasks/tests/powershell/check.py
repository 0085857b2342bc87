"""Prints where the grammar of PowerShell stumbles over a script (main.rs beside this file)."""

import sys

import tree_sitter_powershell
from tree_sitter import Language, Parser

tree = Parser(Language(tree_sitter_powershell.language())).parse(open(sys.argv[1], "rb").read())
stack = [tree.root_node]
while stack:
    node = stack.pop()
    if node.is_error or node.is_missing:
        print(node.start_point.row + 1, node.type, node.text[:60])
    stack.extend(node.children)
