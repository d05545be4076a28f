"""Checks manifests against the schemas of their kinds: Kubernetes' own, and those of Istio's CRDs.

    schemas.py CRDS.yaml MANIFEST.yaml...

Strict: a field that the schema does not know is an error. An API server would drop it with a warning.
"""
import sys

import jsonschema
import kubernetes_validate
import yaml

KUBERNETES = "1.34"


def documents(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document]


def istio_schemas(path):
    """(apiVersion, kind) -> schema."""
    schemas = {}
    for crd in documents(path):
        for version in crd["spec"]["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            # What every object has, and therefore no CRD says.
            schema["properties"].update({"apiVersion": {}, "kind": {}, "metadata": {}})
            schemas[f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]] = strict(schema)
    return schemas


def strict(schema):
    """Closes every object whose fields are listed, save where the CRD says that others may come."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            closed["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
    return closed


def main(crds, *manifests):
    schemas = istio_schemas(crds)
    problems = checked = 0
    for path in manifests:
        for document in documents(path):
            kind = (document.get("apiVersion", ""), document.get("kind", ""))
            name = f"{path}: {kind[1]} {document.get('metadata', {}).get('name', '')}"
            if kind[0].startswith("kustomize.config.k8s.io/"):
                continue
            checked += 1
            try:
                if kind in schemas:
                    jsonschema.Draft202012Validator(schemas[kind]).validate(document)
                else:
                    kubernetes_validate.validate(document, KUBERNETES, strict=True)
            except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
                problems += 1
                where = ".".join(str(step) for step in error.path)
                print(f"{name}: {where}: {error.message}", file=sys.stderr)
            except kubernetes_validate.SchemaNotFoundError:
                problems += 1
                print(f"{name}: no schema for {kind[0]}", file=sys.stderr)
    print(f"{checked} objects checked, {problems} with problems")
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
