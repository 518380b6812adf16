# Each target sets up what it needs; a second run finds it done. DISTRO=kilted takes the other release of ROS 2.
.DEFAULT_GOAL := help
.PHONY: help setup demo collect test test-all bench lint format typecheck clean

DISTRO ?= jazzy
export DISTRO
RUN := python3 scripts/run.py

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install and build everything (system packages with apt-get, a venv, the workspace)
	@python3 scripts/setup.py $(if $(WHEELS),--wheels) $(if $(PARTS),--parts $(PARTS))

demo: setup ## Watch the simulated cell do the four tasks
	@$(RUN) python -m dust_eval.demo $(ARGS)

collect: setup ## Show tasks to the simulated arm by keyboard, and record them
	@$(RUN) python -m dust_demos.teleop.collect $(ARGS)

test: setup ## Run the tests (some minutes)
	@$(RUN) python -m pytest -m "not slow" $(ARGS)

test-all: setup ## Run all tests, the long ones too
	@$(RUN) python -m pytest $(ARGS)

bench: setup ## Measure rates, latencies and costs
	@$(RUN) python -m dust_eval.bench $(ARGS)

lint: setup ## Check style
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

format: setup ## Mend style
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

typecheck: setup ## Check types
	@$(RUN) mypy

clean: ## Remove what was built; the venvs stay (make clean ALL=1 removes them too)
	rm -rf build install log out .pytest_cache .mypy_cache .ruff_cache .hypothesis $(if $(ALL),.venv .venv-kilted,.venv-kilted/ws)
