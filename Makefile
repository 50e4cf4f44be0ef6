# make demo: install, search the demo data, ensemble.   make test: install, run the tests.
PYTHON ?= python3.11
DATA ?= demo
# Folder of LCBench's learning curves; without it the schedulers are not compared.
CURVES ?=
BIN := .venv/bin
export NO_ALBUMENTATIONS_UPDATE := 1

.PHONY: demo test test-faults check bench pictures install faces clean

demo: .venv/installed
	$(BIN)/python -m orchestrator.search space=loss_aug search.trials=20
	$(BIN)/python -m analysis.leaderboard
	$(BIN)/python -m analysis.ensemble --top 3
	$(BIN)/python -m analysis.report
	@echo
	@echo "Look at the trials side by side:  $(BIN)/tensorboard --logdir runs/latest/tensorboard"
	@echo "What was found, in a browser:     runs/latest/report.html"
	@echo "The submission:                   runs/latest/submission.csv"
	@echo "Your own data:                    see README.md, \"Your own data\""

test: .venv/installed-dev
	$(BIN)/python -m pytest --numprocesses=2

# Machines, networks, disks and processes that fail: a quarter of an hour; some need root.
test-faults: .venv/installed-dev
	$(BIN)/python -m pytest -m "fault or not fault" --timeout=900 tests/orchestrator/faults tests/orchestrator/test_killed.py

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/python -m benchmarks.audit

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks --data $(DATA)
	$(BIN)/python -m benchmarks.decision_time
	$(BIN)/python -m benchmarks.deadlines --real
	$(BIN)/python -m benchmarks.kills
	$(BIN)/python -m benchmarks.scale --part bare
	$(BIN)/python -m benchmarks.scale --part whole
	$(BIN)/python -m benchmarks.scale.nodes
	$(BIN)/python -m benchmarks.report_page
	$(BIN)/python -m benchmarks.greedy_selection
	$(if $(CURVES),$(BIN)/python -m benchmarks.schedulers --data $(CURVES))

# Pages of the last search in runs/, for the README: after make demo.
pictures: .venv/installed-dev
	PAGE_PICTURES=docs PAGE_PICTURES_OF=runs $(BIN)/python -m pytest -m pictured

install: .venv/installed

# The detector of data.face_boxes=mtcnn asks for an old torch, and works with ours.
faces: .venv/installed
	$(BIN)/python -m pip install --quiet --no-deps facenet-pytorch==2.6.0

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@ .venv/installed

clean:
	rm -rf .venv build *.egg-info
