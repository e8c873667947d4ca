# make run: the app. make test: every check, with a real browser. Both make .venv first.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8501

.PHONY: run test lint bench clean

.venv/installed: requirements.txt
	@echo "Making .venv and installing; torch is large, this takes a few minutes ..."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install -r requirements.txt
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt requirements-ray.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@

run: .venv/installed
	@echo "BKN Lab: http://localhost:$(PORT)"
	$(BIN)/python -m streamlit run app/main.py --server.port $(PORT)

test: .venv/installed-dev
	sh tests/browser/chromium.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	failed=0; \
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore=tests/browser --durations=10 || failed=1; \
	$(BIN)/python -m pytest tests/browser || { \
	  echo "Once more, the browser tests that failed; one that fails again fails for good."; \
	  $(BIN)/python -m pytest tests/browser --last-failed --last-failed-no-failures none; \
	} || failed=1; \
	exit $$failed

lint: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks.small_batch
	$(BIN)/python -m benchmarks.trainer_speed

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache app/static/panel-* app/static/plotly.min.js
