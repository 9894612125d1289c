"""A GTP engine for tic-tac-toe that plays the first free cell, or does one thing wrong."""

import subprocess
import sys
import time

CELLS = [column + row for row in "321" for column in "ABC"]


def main(fault: str) -> None:
    taken: list[str] = []
    for line in sys.stdin:
        command, *words = line.split()
        answer = ""
        if command == "quit":
            if fault == "ignores quit":
                continue
            print("=\n")
            return
        if command == "protocol_version":
            answer = "1" if fault == "version 1" else "2"
        elif command == "clear_board":
            taken = []
        elif command == "play":
            taken.append(words[1])
        elif command == "genmove":
            answer = next(cell for cell in CELLS if cell not in taken)
            if fault == "illegal" and taken:
                answer = taken[0]
            elif fault == "off":
                answer = "J9"
            elif fault == "resign":
                answer = "resign"
            elif fault == "refuses":
                print("? not today\n", flush=True)
                continue
            elif fault == "nonsense":
                print("good morning", flush=True)
                continue
            elif fault == "dies":
                print("out of luck", file=sys.stderr)
                sys.exit(3)
            elif fault == "hangs":
                time.sleep(60)
            elif fault == "late":
                time.sleep(0.9)
            elif fault == "floods":
                while True:
                    print("= " + "x" * 1000)
            elif fault == "long line":
                print("=" + "x" * 200_000, flush=True)
            elif fault == "child":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
                print(child.pid, file=sys.stderr, flush=True)
            taken.append(answer)
        print(f"= {answer}\n", flush=True)


main(sys.argv[1])
