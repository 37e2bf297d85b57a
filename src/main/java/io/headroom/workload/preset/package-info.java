/**
 * Published models by their hub names: hyperparameters, every weight with its shape, config.json and safetensors headers.
 *
 * <p>May use: trace.
 */
package io.headroom.workload.preset;
