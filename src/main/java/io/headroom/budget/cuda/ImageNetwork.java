package io.headroom.budget.cuda;

import io.headroom.workload.preset.ImageModel;
import io.headroom.workload.preset.Layer;
import java.util.List;

/** A torchvision network's forward pass with cross-entropy, layer after layer. */
final class ImageNetwork extends ImageOps implements Network {
    private static final int LONG = 8;
    private static final int CHANNELS = 3;

    private final ImageModel model;
    private final Weights weights;
    private final long batch;
    private final long image;
    private final int element;
    private Value averaged;
    private int output;

    ImageNetwork(
            Tape tape, ImageModel model, Weights weights, long batch, long image, int element, boolean workspaces) {
        super(tape, workspaces);
        this.model = model;
        this.weights = weights;
        this.batch = batch;
        this.image = image;
        this.element = element;
    }

    @Override
    public List<Value> inputs() {
        Value input = tensor("input", element, batch, CHANNELS, image, image);
        return tape.training() ? List.of(input, tensor("labels", LONG, batch)) : List.of(input);
    }

    private Value tensor(String name, int bytes, long... shape) {
        return new Value(tape.alloc(size(shape) * bytes, name), shape, bytes, null, 0, false, null);
    }

    @Override
    public Outputs forward(List<Value> inputs, Runnable returned) {
        Value logits = run("", model.layers(), inputs.get(0));
        tape.use(averaged);
        output = logits.element;
        returned.run();
        Value loss = tape.training() ? crossEntropy(logits, inputs.get(1)) : null;
        return new Outputs(loss, List.of(logits));
    }

    @Override
    public List<Value> after() {
        return tape.training() ? List.of(tensor("max", output, batch), tensor("max", LONG, batch)) : List.of();
    }

    private Value run(String prefix, List<Layer> layers, Value x) {
        Value out = x;
        for (int i = 0; i < layers.size(); i++) {
            out = apply(prefix + i, layers.get(i), out);
        }
        return out;
    }

    private Value apply(String name, Layer layer, Value x) {
        if (layer instanceof Layer.Convolution c) {
            return convolution(x, c, weights.get(name + ".weight"), weights.get(name + ".bias"));
        } else if (layer instanceof Layer.BatchNorm) {
            return batchNorm(x, weights.get(name + ".weight"), weights.get(name + ".bias"));
        } else if (layer instanceof Layer.ChannelNorm) {
            return norm(name, x.view(x.shape));
        } else if (layer instanceof Layer.Activation a) {
            return activation(x, a);
        } else if (layer instanceof Layer.MaxPool p) {
            return maxPool(x, p);
        } else if (layer instanceof Layer.AveragePool p) {
            return averagePool(x, p.size());
        } else if (layer instanceof Layer.Mean) {
            averaged = averagePool(x, 1).view(x.dim(0), x.dim(1));
            return averaged;
        } else if (layer instanceof Layer.Flatten) {
            averaged = x.view(x.dim(0), x.count() / x.dim(0));
            return averaged;
        } else if (layer instanceof Layer.Linear) {
            return linear(x, weights.get(name + ".weight"), weights.get(name + ".bias"));
        } else if (layer instanceof Layer.Dropout d) {
            return dropout(x, d.p());
        } else if (layer instanceof Layer.Module m) {
            Value out = run(name + ".", m.layers(), x);
            tape.use(x);
            return out;
        } else if (layer instanceof Layer.Residual r) {
            return residual(name, r, x);
        } else if (layer instanceof Layer.SqueezeExcitation s) {
            return squeeze(name, s, x);
        }
        return convNeXt(name, (Layer.ConvNeXtBlock) layer, x);
    }

    /** Layer norm over channels: its rows are the places of the image. */
    private Value norm(String name, Value x) {
        Value last = x.view(x.dim(0), x.dim(2), x.dim(3), x.dim(1));
        Value out = layerNorm(last, weights.get(name + ".weight"), weights.get(name + ".bias"));
        return out.view(x.shape);
    }

    private Value residual(String name, Layer.Residual r, Value x) {
        Value shortcut = null;
        if (r.shortcutFirst()) {
            shortcut = run(name + ".shortcut.", r.shortcut(), x);
        }
        Value body = run(name + ".body.", r.body(), x);
        if (shortcut == null) {
            shortcut = run(name + ".shortcut.", r.shortcut(), x);
        }
        Value sum = r.inPlace() ? addInPlace(body, shortcut) : add(shortcut, body);
        tape.use(x);
        return sum;
    }

    private Value squeeze(String name, Layer.SqueezeExcitation s, Value x) {
        Value mean = averagePool(x, 1);
        Value less = relu(fully(name + ".fc1", s.channels(), s.squeezed(), mean));
        Value more = fully(name + ".fc2", s.squeezed(), s.channels(), less);
        Value scale = s.hard() ? unary("hardsigmoid", more, true, false) : unary("sigmoid", more, false, true);
        return mul(scale, x);
    }

    private Value fully(String name, long in, long out, Value x) {
        Layer.Convolution one = new Layer.Convolution(in, out, 1, 1, 0, 1, true);
        return convolution(x, one, weights.get(name + ".weight"), weights.get(name + ".bias"));
    }

    private Value convNeXt(String name, Layer.ConvNeXtBlock b, Value x) {
        long c = b.channels();
        Layer.Convolution depthwise = new Layer.Convolution(c, c, 7, 1, 3, c, true);
        Value deep = convolution(x, depthwise, weights.get(name + ".dw.weight"), weights.get(name + ".dw.bias"));
        Value last = deep.view(x.dim(0), x.dim(2), x.dim(3), c);
        Value normal = layerNorm(last, weights.get(name + ".norm.weight"), weights.get(name + ".norm.bias"));
        Value up = gelu(linear(normal, weights.get(name + ".up.weight"), weights.get(name + ".up.bias")));
        Value down = linear(up, weights.get(name + ".down.weight"), weights.get(name + ".down.bias"));
        Value scaled = mul(weights.get(name + ".layer_scale"), down.view(x.shape));
        if (b.dropPath() > 0 && tape.training()) {
            Value noise = tensor("stochastic_depth", element, x.dim(0));
            scaled = mul(scaled, noise);
        }
        return addInPlace(scaled, x);
    }
}
