% Babies are illogical; nobody is despised who can manage a crocodile; illogical persons are
% despised.
% Source: L. Carroll, "Symbolic Logic", Macmillan 1896.

fof(babies, axiom, ! [X] : (baby(X) => ~logical(X))).
fof(managers, axiom, ! [X] : (manages_a_crocodile(X) => ~despised(X))).
fof(illogical, axiom, ! [X] : (~logical(X) => despised(X))).
fof(goal, conjecture, ! [X] : (baby(X) => ~manages_a_crocodile(X))).
