package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.units.Bytes;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AllocatorSettingsTest {
    @Test
    void nothingIsTheDefault() {
        assertThat(AllocatorSettings.parse("").isDefault()).isTrue();
        assertThat(AllocatorSettings.parse(null)).isEqualTo(AllocatorSettings.defaults());
        assertThat(AllocatorSettings.parse("").toString()).isEqualTo("(default)");
    }

    @Test
    void severalOptionsAtOnce() {
        var settings = AllocatorSettings.parse(
                " expandable_segments:True, max_split_size_mb:128 ,garbage_collection_threshold:0.8");
        assertThat(settings.expandableSegments()).isTrue();
        assertThat(settings.maxSplitSize()).isEqualTo(128 * Bytes.MIB);
        assertThat(settings.garbageCollectionThreshold()).isEqualTo(0.8);
        assertThat(settings.maxNonSplitRounding()).isEqualTo(20 * Bytes.MIB);
    }

    @Test
    void divisionsByInterval() {
        assertThat(AllocatorSettings.parse("roundup_power2_divisions:[256:1,512:2,1024:4,>:8]")
                        .roundupPower2Divisions())
                .isEqualTo(List.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 8, 8, 8, 8));
        assertThat(AllocatorSettings.parse("roundup_power2_divisions:[4:2,64:8]")
                        .roundupPower2Divisions())
                .isEqualTo(List.of(2, 2, 2, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        assertThat(AllocatorSettings.parse("roundup_power2_divisions:4").roundupPower2Divisions())
                .containsOnly(4);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "max_split_size_mb:20 | CachingAllocator option max_split_size_mb too small, must be > 20",
                "max_split_size_mb:-5 | CachingAllocator option max_split_size_mb too small, must be > 20",
                "max_split_size_mb | Error parsing CachingAllocator settings, expected :",
                "max_split_size_mb: | Error, expecting max_split_size value",
                "max_split_size_mb:many | stoi",
                "max_split_size_mb:99999999999 | out of range",
                "max_split_size_mb:128 expandable_segments:True | Error parsing CachingAllocator settings, expected ,",
                "expandable_segments:true | Expected a single True/False argument for expandable_segments",
                "expandable_segments:1 | Expected a single True/False argument for expandable_segments",
                "garbage_collection_threshold:0 | garbage_collect_threshold too small, set it 0.0~1.0",
                "garbage_collection_threshold:1.5 | garbage_collect_threshold too big, set it 0.0~1.0",
                "garbage_collection_threshold:x | stod",
                "roundup_power2_divisions:3 | For roundups, the divisons has to be power of 2",
                "roundup_power2_divisions:[3:4] | For roundups, the intervals have to be power of 2",
                "roundup_power2_divisions:[256:3] | has to be power of 2 or 0 to disable roundup",
                "roundup_power2_divisions:[256:4 | expected ]",
                "backend:nativ | Unknown allocator backend, options are native and cudaMallocAsync",
                "backend:cudaMallocAsync | no caching allocator to simulate",
                "expandable_segment:True | Unrecognized CachingAllocator option: expandable_segment",
                "per_process_memory_fraction:2 | per_process_memory_fraction is invalid",
                "pinned_num_register_threads:3 | has to be power of 2",
            })
    void refusesInPyTorchsWords(String conf, String message) {
        assertThatThrownBy(() -> AllocatorSettings.parse(conf))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "backend:native",
                "pinned_use_cuda_host_register:True,pinned_num_register_threads:8",
                "release_lock_on_cudamalloc:False"
            })
    void optionsWithoutInfluenceAreAccepted(String conf) {
        assertThat(AllocatorSettings.parse(conf).isDefault()).isTrue();
    }

    @Test
    void fractionIsBounded() {
        assertThat(AllocatorSettings.defaults().withMemoryFraction(0.5).memoryFraction())
                .isEqualTo(0.5);
        assertThatThrownBy(() -> AllocatorSettings.defaults().withMemoryFraction(0))
                .hasMessageContaining("0.0");
        assertThatThrownBy(() -> AllocatorSettings.defaults().withMemoryFraction(Double.NaN))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Property(tries = 2000)
    void anyTextIsSettingsOrRefused(@ForAll long seed) {
        Random random = new Random(seed);
        String[] parts = {
            "max_split_size_mb",
            "expandable_segments",
            "roundup_power2_divisions",
            "garbage_collection_threshold",
            "per_process_memory_fraction",
            ":",
            ",",
            "[",
            "]",
            ">",
            "True",
            "128",
            "0.8",
            "-1",
            "99999999999999999999",
            "1e999",
            " ",
            "é"
        };
        StringBuilder conf = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            conf.append(parts[random.nextInt(parts.length)]);
        }
        try {
            AllocatorSettings settings = AllocatorSettings.parse(conf.toString());
            assertThat(new CachingAllocator(settings, Bytes.GIB).malloc(Bytes.MIB, 0))
                    .isGreaterThanOrEqualTo(-1);
        } catch (IllegalArgumentException refused) {
            assertThat(refused.getMessage()).isNotBlank();
        }
    }
}
