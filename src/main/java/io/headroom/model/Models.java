package io.headroom.model;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.repository.zoo.Criteria;
import ai.djl.translate.NoopTranslator;
import io.headroom.memory.Reading;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Loads models so that their bytes are known before, while and after they are in memory.
 *
 * <pre>{@code
 * LoadedModel age = Models.load("age", Path.of("models/age.pt"));                    // TorchScript
 * LoadedModel clock = Models.load("clock", block, Path.of("models/clock-0000.params")); // DJL block
 * age.release();
 * Models.releaseAll();
 * }</pre>
 *
 * <p>A load that cannot fit the head-room is refused before it starts; one that fails changes nothing. Safe from any
 * thread; loads run one at a time, so that each one's bytes are its own.
 */
public final class Models {
    private static final Object LOADING = new Object();
    private static final List<LoadedModel> LOADED = new ArrayList<>();

    private Models() {}

    /**
     * Loads a TorchScript file, or the one {@code .pt} file of a directory, into the machine's memory.
     *
     * @param name how the model is called in lines and reports
     * @throws ModelException if the file is missing, damaged, no TorchScript, or does not fit
     */
    public static LoadedModel load(String name, Path file) {
        return load(name, file, Device.cpu());
    }

    /**
     * The same, on a device: {@code Device.gpu()}.
     *
     * @throws ModelException also if there is no such device, or its free memory cannot hold the weights
     */
    public static LoadedModel load(String name, Path file, Device device) {
        Path found = only(file, ".pt");
        Weights weights = Weights.of(found);
        switch (weights.format()) {
            case TORCHSCRIPT -> {}
            case DJL_PARAMS ->
                throw new ModelException("The file " + found + " holds the parameters of a DJL block, not"
                        + " a whole model. Give the block too: load(\"" + name + "\", block, path).");
            default ->
                throw new ModelException("The file " + found + " holds only weights (torch.save or safetensors),"
                        + " not a model that can run. Export it in Python with torch.jit.trace(model, example).save(\""
                        + name + ".pt\").");
        }
        Criteria<NDList, NDList> criteria = Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(found.toAbsolutePath())
                .optModelName(name)
                .optEngine("PyTorch")
                .optDevice(device)
                .optTranslator(new NoopTranslator())
                .build();
        return load(name, OptionalLong.of(weights.bytes()), false, device, found.toString(), criteria::loadModel);
    }

    /**
     * Loads a DJL block's parameters into the machine's memory.
     *
     * @param block the architecture the file was saved from
     * @param file a {@code .params} file, or a directory with one
     * @throws ModelException if the file is missing, damaged, of another architecture, or does not fit
     */
    public static LoadedModel load(String name, Block block, Path file) {
        return load(name, block, file, Device.cpu());
    }

    /**
     * The same, on a device: {@code Device.gpu()}.
     *
     * @throws ModelException also if there is no such device, or its free memory cannot hold the weights
     */
    public static LoadedModel load(String name, Block block, Path file, Device device) {
        if (block == null) {
            throw new IllegalArgumentException(
                    "A model of parameters needs its block, but null was given: write load(\"clock\","
                            + " block, path), or load(\"age\", path) for TorchScript.");
        }
        Path found = only(file, ".params");
        Weights weights = Weights.of(found);
        if (weights.format() != Weights.Format.DJL_PARAMS) {
            throw new ModelException("The file " + found + " is " + weights.format() + ", but a DJL block loads only"
                    + " parameters saved with Model.save(…) (.params). For TorchScript leave the block out: load(\""
                    + name
                    + "\", path).");
        }
        return load(name, OptionalLong.of(weights.bytes()), true, device, found.toString(), () -> {
            Model model = Model.newInstance(name, device, "PyTorch");
            try (InputStream in = new BufferedInputStream(Files.newInputStream(found))) {
                model.setBlock(block);
                model.load(in);
                return model;
            } catch (Throwable e) {
                model.close();
                throw e;
            }
        });
    }

    /**
     * Loads whatever a criteria describes, on the device it names. Its weights' size is known before if it names one model that is
     * on this machine already.
     *
     * @throws ModelException if it does not fit or cannot be loaded
     */
    public static LoadedModel load(String name, Criteria<?, ?> criteria) {
        if (criteria == null) {
            throw new IllegalArgumentException("A model needs a criteria, but null was given: build one with"
                    + " Criteria.builder(), or write load(\"age\", path).");
        }
        Device device = Optional.ofNullable(criteria.getDevice())
                .orElseGet(() -> Engine.getEngine("PyTorch").defaultDevice());
        Optional<Weights> weights = CriteriaFile.weights(criteria);
        return load(
                name,
                weights.map(known -> OptionalLong.of(known.bytes())).orElse(OptionalLong.empty()),
                weights.filter(known -> known.format() == Weights.Format.DJL_PARAMS)
                        .isPresent(),
                device,
                "the criteria",
                criteria::loadModel);
    }

    /** The models loaded and not yet released, oldest first. */
    public static List<LoadedModel> loaded() {
        synchronized (LOADED) {
            return List.copyOf(LOADED);
        }
    }

    /** Releases every model loaded, oldest first. */
    public static Releases releaseAll() {
        return releaseAll(List.of());
    }

    /**
     * The same, and looks through the notebook's variables for those that still hold arrays once all are gone.
     *
     * @throws ModelException if a part of a model could not be closed; all are released
     */
    public static Releases releaseAll(List<Variable> variables) {
        List<ReleaseReport> reports = new ArrayList<>();
        ModelException failure = null;
        List<LoadedModel> models = loaded();
        for (LoadedModel model : models) {
            boolean last = model == models.get(models.size() - 1);
            try {
                reports.add(model.release(last ? variables : List.of()));
            } catch (IllegalStateException e) {
                // released by another thread meanwhile: nothing left to do
                continue;
            } catch (ModelException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
        return new Releases(reports);
    }

    static void forget(LoadedModel model) {
        synchronized (LOADED) {
            LOADED.remove(model);
        }
    }

    private interface Loader {
        Model load() throws Exception;
    }

    private static LoadedModel load(
            String name, OptionalLong weights, boolean block, Device device, String from, Loader loader) {
        if (name == null || name.isBlank()) {
            throw new IllegalArgumentException("A model needs a name, but " + (name == null ? "null" : "\"\"")
                    + " was given: write load(\"age\", path).");
        }
        if (device == null) {
            throw new IllegalArgumentException("The model \"" + name
                    + "\" was given device = null: give Device.cpu() or Device.gpu(), or leave it out for the CPU.");
        }
        synchronized (LOADING) {
            int gpus = Engine.getEngine("PyTorch").getGpuCount();
            if (device.isGpu() && device.getDeviceId() >= gpus) {
                throw new ModelException("The model \"" + name + "\" was not loaded: there is no " + device
                        + ", the engine finds " + (gpus == 0 ? "no GPU" : gpus + (gpus == 1 ? " GPU" : " GPUs"))
                        + ". Leave the device out to load it on the CPU.");
            }
            Reading before = Reading.now();
            LoadRefusal.check(name, weights, device, before);
            if (block) {
                LoadRefusal.checkDirectBuffers(name, weights, before);
            }
            Model model;
            try {
                model = loader.load();
            } catch (Exception | OutOfMemoryError | LinkageError e) {
                throw new ModelException(
                        "The model \"" + name + "\" could not be loaded from " + from + ": " + reason(e)
                                + " Nothing was kept, and models loaded before are still there.",
                        e);
            }
            model.getNDManager().setName(name);
            LoadedModel loaded = new LoadedModel(name, model, weights, before, Reading.now());
            synchronized (LOADED) {
                LOADED.add(loaded);
            }
            return loaded;
        }
    }

    /** The first line of what the engine says, ended as a sentence. */
    static String reason(Throwable failure) {
        Throwable deepest = failure;
        while (deepest.getCause() != null && deepest.getCause() != deepest) {
            deepest = deepest.getCause();
        }
        String text = deepest.getMessage() == null ? deepest.getClass().getSimpleName() : deepest.getMessage();
        String line = text.strip()
                .lines()
                .map(String::strip)
                .filter(each -> !each.isEmpty())
                .findFirst()
                .orElse(deepest.getClass().getSimpleName());
        String cut = line.length() <= 300 ? line : line.substring(0, 300) + "…";
        return cut.matches(".*[.!?…]") ? cut : cut + ".";
    }

    private static Path only(Path path, String ending) {
        if (path == null) {
            throw new IllegalArgumentException(
                    "A model needs a path, but null was given: write load(\"age\", Path.of(\"models/age" + ending
                            + "\")).");
        }
        if (!Files.isDirectory(path)) {
            return path;
        }
        try (Stream<Path> files = Files.list(path)) {
            List<Path> found = files.filter(file -> file.toString().endsWith(ending))
                    .sorted(Comparator.naturalOrder())
                    .toList();
            boolean epochs = ending.equals(".params") && !found.isEmpty();
            if (found.size() == 1 || epochs) {
                return found.get(found.size() - 1);
            }
            throw new ModelException("The directory " + path + " holds " + found.size() + " files " + ending
                    + ", so which one to load is not clear. Give the path of the file.");
        } catch (IOException e) {
            throw new ModelException("The directory " + path + " cannot be read: " + e.getMessage(), e);
        }
    }
}
