package io.headroom.model;

import ai.djl.repository.Artifact;
import ai.djl.repository.MRL;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The file that a DJL criteria will load, if it names one model that is already on this machine; nothing is downloaded.
 *
 * <p>Of a criteria that searches all model zoos, or an archive, or a directory with several models, nothing is known before.
 */
final class CriteriaFile {
    private static final int DEPTH = 2;

    private CriteriaFile() {}

    static Optional<Weights> weights(Criteria<?, ?> criteria) {
        try {
            Collection<ModelLoader> loaders = criteria.getModelZoo() == null
                    ? List.of()
                    : criteria.getModelZoo().getModelLoaders();
            if (loaders.size() != 1) {
                return Optional.empty();
            }
            MRL place = loaders.iterator().next().getMrl();
            Artifact artifact = place.match(criteria.getFilters());
            return artifact == null || !place.isPrepared(artifact)
                    ? Optional.empty()
                    : only(place.getRepository().getResourceDirectory(artifact)).map(Weights::of);
        } catch (IOException | RuntimeException e) {
            return Optional.empty(); // loading it will say what is wrong
        }
    }

    private static Optional<Path> only(Path place) throws IOException {
        try (Stream<Path> files = Files.walk(place, DEPTH)) {
            List<Path> found = files.filter(Files::isRegularFile)
                    .filter(file ->
                            file.toString().endsWith(".pt") || file.toString().endsWith(".params"))
                    .sorted()
                    .toList();
            boolean epochs = found.stream().allMatch(file -> file.toString().matches(".*-[0-9]{4}[.]params"));
            return found.isEmpty() || found.size() > 1 && !epochs
                    ? Optional.empty()
                    : Optional.of(found.get(found.size() - 1));
        }
    }
}
