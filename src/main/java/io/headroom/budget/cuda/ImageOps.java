package io.headroom.budget.cuda;

import io.headroom.workload.Precision;
import io.headroom.workload.preset.ImageModel;
import io.headroom.workload.preset.Layer;
import java.util.List;

/** The operators of convolutional networks, on tensors {@code [n, c, h, w]}. */
class ImageOps extends LayerOps {
    private static final int LONG = 8;
    private static final long WORKSPACE_IN = 32;
    private static final long WORKSPACE_OUT = 16;
    private static final long WORKSPACE_FACTOR = 8;
    private static final long PLACES_WITH = 373L * 43 * 43;
    private static final long PLACES_WITHOUT = 400L * 43 * 43;

    private final boolean workspaces;

    /** {@code workspaces}: whether the workspace that is taken at some sizes only is. */
    ImageOps(Tape tape, boolean workspaces) {
        super(tape);
        this.workspaces = workspaces;
    }

    /** A convolution saves its input; gradients of input, weight and bias in this order. */
    final Value convolution(Value given, Layer.Convolution c, Value parameter, Value shift) {
        Value bias = half(shift);
        Value weight = half(parameter);
        Value x = half(given);
        tape.use(given);
        long h = ImageModel.windows(x.dim(2), c.kernel(), c.stride(), c.padding());
        long w = ImageModel.windows(x.dim(3), c.kernel(), c.stride(), c.padding());
        long[] shape = {x.dim(0), c.out(), h, w};
        Value[] inputs = bias == null ? of(x, weight) : of(x, weight, bias);
        return result(size(shape) * x.element, "convolution", shape, x.element, inputs, save(x, weight), g -> {
            Grad forInput = like(x, "convolution_backward");
            Grad forWeight = like(weight, "convolution_backward");
            workspace(x, c);
            return bias == null
                    ? new Grad[] {forInput, forWeight}
                    : new Grad[] {forInput, forWeight, like(bias, "convolution_backward")};
        });
    }

    /**
     * The one workspace of cuDNN 9.1 that outgrows every cached segment at these sizes: measured, not derived. In fp32 four runs of
     * MobileNetV2 and MnasNet with 200 to 373 images of 43 × 43 places took it, six from 400 on did not.
     */
    private void workspace(Value x, Layer.Convolution c) {
        if (workspaces && elastic(c)) {
            tape.alloc(WORKSPACE_FACTOR * x.bytes(), "cudnn workspace");
        }
    }

    private static boolean elastic(Layer.Convolution c) {
        return c.kernel() == 1 && c.in() == WORKSPACE_IN && c.out() == WORKSPACE_OUT;
    }

    private static boolean elastic(List<Layer> layers) {
        return layers.stream()
                .anyMatch(layer -> layer instanceof Layer.Convolution c && elastic(c)
                        || layer instanceof Layer.Module m && elastic(m.layers()));
    }

    /** Whether a network has the convolution whose workspace is taken at some sizes only: its input has half the image's side. */
    static boolean elastic(ImageModel model) {
        return model != null && elastic(model.layers());
    }

    /**
     * How much of that workspace an estimate counts: all as far as it was seen, nothing from where it was not, in between a part, so
     * that no estimate jumps. In half types nothing was measured.
     */
    static double counted(CudaStep step) {
        if (!elastic(step.model().image()) || step.autocast() != null || step.precision() != Precision.FP32) {
            return 0;
        }
        long side = (step.image() + 1) / 2;
        double share = (PLACES_WITHOUT - (double) step.batch() * side * side) / (PLACES_WITHOUT - PLACES_WITH);
        return Math.max(0, Math.min(1, share));
    }

    /** Batch norm in training saves its input and the batch's mean and inverse deviation; in inference it takes the running ones. */
    final Value batchNorm(Value x, Value weight, Value bias) {
        Memory out = tape.alloc(x.bytes(), "batch_norm");
        long statistics = tape.training() ? weight.count() * FLOAT : 0;
        Memory mean = tape.alloc(statistics, "batch_norm");
        Memory deviation = tape.alloc(statistics, "batch_norm");
        Memory[] saved = {x.memory, mean, deviation};
        return wrap(out, x.shape, x.element, of(x, weight, bias), saved, g -> new Grad[] {
            like(x, "batch_norm_backward"), like(weight, "batch_norm_backward"), like(bias, "batch_norm_backward")
        });
    }

    /** Max pooling returns and saves 64-bit indices beside its output. */
    final Value maxPool(Value x, Layer.MaxPool p) {
        long h = ImageModel.windows(x.dim(2), p.kernel(), p.stride(), p.padding());
        long w = ImageModel.windows(x.dim(3), p.kernel(), p.stride(), p.padding());
        long[] shape = {x.dim(0), x.dim(1), h, w};
        Memory out = tape.alloc(size(shape) * x.element, "max_pool2d");
        Memory indices = tape.alloc(size(shape) * LONG, "max_pool2d");
        return wrap(out, shape, x.element, of(x), new Memory[] {x.memory, indices}, g ->
                new Grad[] {like(x, "max_pool2d_backward")});
    }

    final Value averagePool(Value x, long places) {
        long[] shape = {x.dim(0), x.dim(1), places, places};
        String name = places == 1 ? "mean" : "adaptive_avg_pool2d";
        Memory[] saved = places == 1 ? NOTHING : save(x);
        return result(size(shape) * x.element, name, shape, x.element, of(x), saved, g ->
                new Grad[] {like(x, name + "_backward")});
    }

    final Value activation(Value x, Layer.Activation a) {
        String name = a.kind().name().toLowerCase(java.util.Locale.ROOT);
        if (!a.inPlace()) {
            return a.kind() == Layer.Activation.Kind.RELU ? relu(x) : unary(name, x, true, false);
        }
        if (a.kind() != Layer.Activation.Kind.RELU && tape.recording()) {
            Memory before = tape.alloc(x.bytes(), "clone");
            return inPlace(name, x, before);
        }
        return inPlace(name, x, x.memory);
    }
}
