% Pelletier 67: Double negation removed in Lukasiewicz's axioms of propositional logic.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(detachment, axiom, ! [X,Y] : ((t(i(X,Y)) & t(X)) => t(Y))).
fof(weakening, axiom, ! [X,Y] : t(i(X,i(Y,X)))).
fof(distribution, axiom, ! [X,Y,Z] : t(i(i(X,i(Y,Z)),i(i(X,Y),i(X,Z))))).
fof(contraposition, axiom, ! [X,Y] : t(i(i(n(X),n(Y)),i(Y,X)))).
fof(goal, conjecture, ! [X] : t(i(n(n(X)),X))).
