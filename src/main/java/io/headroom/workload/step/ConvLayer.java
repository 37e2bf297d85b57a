package io.headroom.workload.step;

/** Two-dimensional convolution with bias. */
final class ConvLayer extends Layer {
    private final String name;
    private final long filters;
    private final long[] kernel;
    private final long[] stride;
    private final long[] padding;
    private final long[] dilation;
    private final long groups;
    private final boolean biased;
    private Value weight;
    private Value bias;
    private long[] out;

    ConvLayer(
            String name,
            long filters,
            long[] kernel,
            long[] stride,
            long[] padding,
            long[] dilation,
            long groups,
            boolean biased) {
        this.name = name;
        this.filters = filters;
        this.kernel = kernel;
        this.stride = stride;
        this.padding = padding;
        this.dilation = dilation;
        this.groups = groups;
        this.biased = biased;
    }

    @Override
    String name() {
        return name;
    }

    @Override
    long[] load(Loader loader, long[] in) {
        String example = "new Shape(32, 3" + ", 224".repeat(kernel.length) + ")";
        needs(name, "[batch, channels, …]", example, kernel.length + 2, in);
        long[] weightShape = new long[kernel.length + 2];
        weightShape[0] = filters;
        weightShape[1] = in[1] / groups;
        System.arraycopy(kernel, 0, weightShape, 2, kernel.length);
        weight = loader.weight(name, weightShape);
        bias = biased ? loader.weight(name + " bias", filters) : null;
        out = in.clone();
        out[1] = filters;
        for (int i = 0; i < kernel.length; i++) {
            out[i + 2] = (in[i + 2] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i] + 1;
            if (out[i + 2] < 1) {
                throw new IllegalArgumentException(
                        name + " gets an input of " + in[i + 2] + " along one axis, smaller than its kernel of "
                                + kernel[i] + ": use a larger image or fewer layers.");
            }
        }
        return out.clone();
    }

    @Override
    Value forward(Operators ops, Value x) {
        long[] shape = out.clone();
        shape[0] = x.dim(0);
        return ops.conv(x, weight, bias, shape);
    }
}
