% Pelletier 61: Associativity for four.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X,Y,Z] : f(X,f(Y,Z))=f(f(X,Y),Z)).
fof(goal, conjecture, ! [X,Y,Z,W] : f(X,f(Y,f(Z,W)))=f(f(f(X,Y),Z),W)).
