"""The teaching app: a case by clicking, a quiz, scenarios side by side. Needs mesenbayes[web]."""
