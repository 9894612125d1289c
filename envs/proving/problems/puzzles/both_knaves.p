% Knights tell the truth, knaves lie. One says: we are both knaves.
% Source: R. M. Smullyan, "What Is the Name of This Book?", Prentice-Hall 1978.

fof(either, axiom, ! [X] : (knight(X) | knave(X))).
fof(not_both, axiom, ! [X] : ~(knight(X) & knave(X))).
fof(statement, axiom, knight(a) <=> (knave(a) & knave(b))).
fof(goal, conjecture, knave(a) & knight(b)).
