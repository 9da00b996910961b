/* The manifests of k8s/ as they were when this was built: one text for each part.
 * SPDX-License-Identifier: GPL-3.0-or-later */
    .section .rodata
    .global manifests_data_base, manifests_data_base_end
    .global manifests_data_ingress, manifests_data_ingress_end
    .hidden manifests_data_base, manifests_data_base_end
    .hidden manifests_data_ingress, manifests_data_ingress_end
manifests_data_base:
    .incbin MANIFESTS_BASE
manifests_data_base_end:
manifests_data_ingress:
    .incbin MANIFESTS_INGRESS
manifests_data_ingress_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
