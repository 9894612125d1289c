% With separation there is no set of all sets.
% Source: E. Zermelo, Mathematische Annalen 65 (1908).

fof(separation, axiom, ! [X,Z] : (in(Z,not_in_itself(X)) <=> (in(Z,X) & ~in(Z,Z)))).
fof(goal, conjecture, ~? [X] : ! [Y] : in(Y,X)).
