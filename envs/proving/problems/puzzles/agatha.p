% Who killed Aunt Agatha? Neither the butler nor Charles; in clauses without equality.
% Source: L. Schubert; problem 55 of F. J. Pelletier, Journal of Automated Reasoning 2 (1986).

cnf(killers_hate, axiom, ~ killed(X,Y) | hates(X,Y)).
cnf(killers_are_poorer, axiom, ~ killed(X,Y) | ~ richer(X,Y)).
cnf(charles_hates, axiom, ~ hates(agatha,X) | ~ hates(charles,X)).
cnf(nobody_hates_all, axiom, ~ hates(X,agatha) | ~ hates(X,butler) | ~ hates(X,charles)).
cnf(agatha_hates_herself, axiom, hates(agatha,agatha)).
cnf(agatha_hates_charles, axiom, hates(agatha,charles)).
cnf(butler_hates, axiom, ~ hates(agatha,X) | hates(butler,X)).
cnf(butler_hates_the_poor, axiom, richer(X,agatha) | hates(butler,X)).
cnf(goal, negated_conjecture, killed(butler,agatha) | killed(charles,agatha)).
