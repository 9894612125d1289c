% Pelletier 43: De Champeaux: equality of sets, defined by their elements, is symmetric.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X,Y] : (q(X,Y) <=> ! [Z] : (f(Z,X) <=> f(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : (q(X,Y) <=> q(Y,X))).
