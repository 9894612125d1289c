% A farmer takes a wolf, a goat and a cabbage across a river, one at a time, and leaves the
% goat alone with neither. The places are those of the four, in this order.
% Source: Alcuin, "Propositiones ad acuendos juvenes", problem 18.

cnf(banks, axiom, opposite(south,north)).
cnf(banks_back, axiom, opposite(north,south)).
cnf(watched, axiom, safe(F,W,F,C)).
cnf(apart, axiom, safe(F,F,G,F)).
cnf(start, axiom, at(south,south,south,south)).
cnf(alone, axiom, ~ at(F,W,G,C) | ~ opposite(F,E) | ~ safe(E,W,G,C) | at(E,W,G,C)).
cnf(with_wolf, axiom, ~ at(F,F,G,C) | ~ opposite(F,E) | ~ safe(E,E,G,C) | at(E,E,G,C)).
cnf(with_goat, axiom, ~ at(F,W,F,C) | ~ opposite(F,E) | at(E,W,E,C)).
cnf(with_cabbage, axiom, ~ at(F,W,G,F) | ~ opposite(F,E) | ~ safe(E,W,G,E) | at(E,W,G,E)).
cnf(goal, negated_conjecture, ~ at(north,north,north,north)).
