"""Policies that more than one file of tests writes. SPDX-License-Identifier: GPL-3.0-or-later
"""
import textwrap


def traffic(service: str, spec: str) -> str:
    """A TrafficPolicy for calls to a Service of namespace default; spec: the rest of it."""
    return f"""
apiVersion: policy.weft.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: {service}, namespace: default}}
spec:
  targetRefs: [{{group: "", kind: Service, name: {service}}}]
{textwrap.indent(textwrap.dedent(spec), "  ")}
"""
