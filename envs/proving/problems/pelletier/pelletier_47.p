% Pelletier 47: Schubert's steamroller: some animal likes to eat a grain-eating animal.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(wolfs, axiom, (! [X] : (wolf(X) => animal(X))) & ? [X] : wolf(X)).
fof(foxs, axiom, (! [X] : (fox(X) => animal(X))) & ? [X] : fox(X)).
fof(birds, axiom, (! [X] : (bird(X) => animal(X))) & ? [X] : bird(X)).
fof(caterpillars, axiom, (! [X] : (caterpillar(X) => animal(X))) & ? [X] : caterpillar(X)).
fof(snails, axiom, (! [X] : (snail(X) => animal(X))) & ? [X] : snail(X)).
fof(grains, axiom, (? [X] : grain(X)) & ! [X] : (grain(X) => plant(X))).
fof(eating, axiom,
    ( ! [X] : (animal(X) => ((! [Y] : (plant(Y) => eats(X,Y))) | ! [Y] : ((animal(Y) &
      smaller(Y,X) & ? [Z] : (plant(Z) & eats(Y,Z))) => eats(X,Y)))) )).
fof(small_as_birds, axiom, ! [X,Y] : ((bird(Y) & (snail(X) | caterpillar(X))) => smaller(X,Y))).
fof(birds_under_foxes, axiom, ! [X,Y] : ((bird(X) & fox(Y)) => smaller(X,Y))).
fof(foxes_under_wolves, axiom, ! [X,Y] : ((fox(X) & wolf(Y)) => smaller(X,Y))).
fof(wolves_refuse, axiom, ! [X,Y] : ((wolf(X) & (fox(Y) | grain(Y))) => ~eats(X,Y))).
fof(birds_eat_caterpillars, axiom, ! [X,Y] : ((bird(X) & caterpillar(Y)) => eats(X,Y))).
fof(birds_refuse_snails, axiom, ! [X,Y] : ((bird(X) & snail(Y)) => ~eats(X,Y))).
fof(small_ones_eat_plants, axiom,
    ( ! [X] : ((caterpillar(X) | snail(X)) => ? [Y] : (plant(Y) & eats(X,Y))) )).
fof(goal, conjecture,
    ( ? [X,Y] : (animal(X) & animal(Y) & ? [Z] : (grain(Z) & eats(Y,Z) & eats(X,Y))) )).
