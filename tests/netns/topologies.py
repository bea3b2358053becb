"""Shapes of networks, for these tests and for those beside reference binaries."""


def chain(lab, nodes, family="4"):
    for a, b in zip(nodes, nodes[1:]):
        lab.join(a, b, family)


def ring(lab, nodes, family="4"):
    chain(lab, nodes, family)
    lab.join(nodes[-1], nodes[0], family)


def grid(lab, nodes, width, family="4"):
    for i, node in enumerate(nodes):
        if (i + 1) % width and i + 1 < len(nodes):
            lab.join(node, nodes[i + 1], family)
        if i + width < len(nodes):
            lab.join(node, nodes[i + width], family)
