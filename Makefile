# Each target sets up what it needs; a second run finds it done. DISTRO=kilted takes the other release of ROS 2.
.DEFAULT_GOAL := help
.PHONY: help setup demo default collect doctor test test-all bench lint format typecheck clean

DISTRO ?= jazzy
export DISTRO
RUN := python3 scripts/run.py

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install and build everything (system packages with apt-get, a venv, the workspace)
	@python3 scripts/setup.py $(if $(WHEELS),--wheels) $(if $(PARTS),--parts $(PARTS))

demo: setup ## Watch the simulated cell do the four tasks
	@$(RUN) python3 -m dust_eval.demo $(ARGS)

default: setup ## Make models/tiny anew: pictures, demonstrations, training, trials (hours; goes on when interrupted)
	@$(RUN) python3 -m dust_sim.pictures out/pictures --count 40000 --seed 0
	@$(RUN) dust-pretrain config/pretrain_tiny.yaml resume=true
	@$(RUN) dust-collect out/demos --per-task 64 --seed-from 10000 --perturbation 1 --start-astray 0.5 --real-time-factor 3 --resume
	@$(RUN) dust-convert out/demos out/dataset --trim-idle 0.1 --trim-pauses 0.2 --resume
	@$(RUN) dust-train config/train_default.yaml resume=true
	@$(RUN) dust-check out/train/default/last out/dataset --held-out 0.04 --out out/check --card || [ $$? = 1 ]
	@$(RUN) dust-eval --checkpoint tiny=out/train/default/last --out out/eval/tiny $(if $(wildcard out/eval/tiny/run.json),--resume)
	@$(RUN) dust-publish out/train/default/last models/tiny --evaluation out/eval/tiny --run out/train/default

collect: setup ## Show tasks to the simulated arm by keyboard, and record them
	@$(RUN) python3 -m dust_demos.teleop.collect $(ARGS)

doctor: setup ## Look at this machine before the arm moves
	@$(RUN) python3 -m dust_doctor.doctor $(ARGS)

test: setup ## Run the tests (some minutes)
	@$(RUN) python3 -m pytest -m "not slow" $(ARGS)

test-all: setup ## Run all tests, the long ones too
	@$(RUN) python3 -m pytest --hypothesis-profile=explore $(ARGS)

bench: setup ## Measure rates, latencies and costs
	@$(RUN) python3 -m dust_eval.bench $(ARGS)

lint: setup ## Check style
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

format: setup ## Mend style
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

typecheck: setup ## Check types
	@$(RUN) mypy

clean: ## Remove what was built; recordings and runs in out/ stay, and so do the venvs (make clean ALL=1 removes those)
	rm -rf build install log .pytest_cache .mypy_cache .ruff_cache .hypothesis $(if $(ALL),.venv .venv-kilted,.venv-kilted/ws)
