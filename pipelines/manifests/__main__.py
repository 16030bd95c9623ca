"""`python -m pipelines.manifests`: writes what code says about the manifests; `--check` only compares."""

from pipelines.manifests.render import main

if __name__ == "__main__":
    main()
