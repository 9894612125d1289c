% Pelletier 54: Montague's paradox of grounded classes.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [Y] : ? [Z] : ! [X] : (f(X,Z) <=> X=Y)).
fof(goal, conjecture,
    ( ~? [W] : ! [X] : (f(X,W) <=> ! [U] : (f(X,U) => ? [Y] : (f(Y,U) & ~? [Z] : (f(Z,U) &
      f(Z,Y))))) )).
