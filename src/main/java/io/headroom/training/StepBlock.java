package io.headroom.training;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.initializer.Initializer;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;

/**
 * The initialized block of one measured step: a new one for a workload of sizes; a block of the user's with copies of its
 * weights, given back as it was by {@link #close()}.
 *
 * <p>Weights, gradients and running statistics of a trained block are not touched, and one that was not initialized is not
 * afterwards. The block must not run elsewhere meanwhile.
 */
final class StepBlock implements AutoCloseable {
    private static final List<String> SET_BY_INITIALIZE = List.of("inputShapes", "inputShape", "inputFeatures");

    private final List<Runnable> restores = new ArrayList<>();

    private final Block block;

    StepBlock(Workload workload, NDManager manager) {
        block = workload.newBlock();
        try {
            if (workload.precision() == Precision.FP16) {
                block.getParameters().values().stream().distinct().forEach(StepBlock::initializeInHalf);
            }
            if (workload.isOwnBlock()) {
                refuseTorchScript(block);
                remember(block);
                block.getParameters().values().stream().distinct().forEach(parameter -> lend(parameter, manager));
            }
            block.initialize(manager, DataType.FLOAT32, workload.inputShapes(1).toArray(Shape[]::new));
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    Block block() {
        return block;
    }

    /** Its weights are inside the engine's module, where no copy can take their place. */
    private static void refuseTorchScript(Block part) {
        if (part instanceof SymbolBlock) {
            throw new IllegalArgumentException("a TorchScript model keeps its weights where they cannot be replaced by"
                    + " copies, and a step would change them: measure a stretch of your own code, watch(() ->"
                    + " predictor.predict(input)).");
        }
        part.getChildren().values().forEach(StepBlock::refuseTorchScript);
    }

    private void remember(Block part) {
        for (Class<?> type = part.getClass(); type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (SET_BY_INITIALIZE.contains(field.getName())
                        && type.getName().startsWith("ai.djl.nn.")) {
                    Object before = get(field, part);
                    restores.add(() -> set(field, part, before));
                }
            }
        }
        part.getChildren().values().forEach(this::remember);
    }

    /** DJL initializes a transformer in fp32 whatever its block is told, so each weight's initializer is told. */
    private static void initializeInHalf(Parameter parameter) {
        Initializer own = parameter.getInitializer();
        parameter.setInitializer((manager, shape, type) -> own.initialize(manager, shape, DataType.FLOAT16));
    }

    private void lend(Parameter parameter, NDManager manager) {
        Field array = array();
        NDArray own = (NDArray) get(array, parameter);
        restores.add(() -> set(array, parameter, own));
        if (own != null) {
            Device device = manager.getDevice();
            NDArray copy = own.getDevice().equals(device) ? own.duplicate() : own.toDevice(device, true);
            copy.attach(manager);
            set(array, parameter, copy);
        }
    }

    @Override
    public void close() {
        restores.forEach(Runnable::run);
    }

    private static Field array() {
        try {
            return Parameter.class.getDeclaredField("array");
        } catch (NoSuchFieldException e) {
            throw new IllegalStateException("this DJL keeps a parameter's array elsewhere than DJL 0.35.1 does", e);
        }
    }

    private static Object get(Field field, Object of) {
        try {
            field.setAccessible(true);
            return field.get(of);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e); // made accessible above
        }
    }

    private static void set(Field field, Object of, Object value) {
        try {
            field.set(of, value);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e); // made accessible when it was read
        }
    }
}
