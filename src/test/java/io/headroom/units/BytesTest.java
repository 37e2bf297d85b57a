package io.headroom.units;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BytesTest {
    @ParameterizedTest
    @CsvSource({
        "2 GiB, 2147483648",
        "2gib, 2147483648",
        "2g, 2147483648",
        "1.5 GB, 1500000000",
        "512MB, 512000000",
        "512 MiB, 536870912",
        "64k, 65536",
        "4096, 4096",
        "4096 bytes, 4096",
        "0.5 KiB, 512",
        "' 9.07 GiB ', 9738838344",
        "0, 0"
    })
    void readsSizesAsPeopleTypeThem(String text, long bytes) {
        assertThat(Bytes.parse(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "lots", "-1 GiB", "2 GiBs", "GiB", "1,5 GB", "1e9", "NaN", "Infinity", "2 GiB 3", "9 EB"})
    void namesWhatItCannotRead(String text) {
        assertThatThrownBy(() -> Bytes.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + text + "\"")
                .hasMessageContaining("2 GiB");
    }

    @Test
    void aSizeBeyondLongIsRefused() {
        assertThatThrownBy(() -> Bytes.parse("9000000000 GiB")).hasMessageContaining("8 EiB");
        assertThatThrownBy(() -> Bytes.parse("9".repeat(100_000))).hasMessageContaining("not a size");
        assertThatThrownBy(() -> Bytes.parse(null)).hasMessageContaining("null");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 bytes",
        "1024, 1024 bytes",
        "65536000, 62.50 MiB",
        "1048576, 1024.00 KiB",
        "1073741824, 1024.00 MiB",
        "1073741825, 1.00 GiB",
        "-65536000, -62.50 MiB"
    })
    void printsAsPyTorchPrints(long bytes, String text) {
        assertThat(Bytes.format(bytes)).isEqualTo(text);
    }

    @Test
    void signsADifference() {
        assertThat(Bytes.formatSigned(65_536_000)).isEqualTo("+62.50 MiB");
        assertThat(Bytes.formatSigned(-1)).isEqualTo("-1 bytes");
    }

    @Test
    void overflowShowsTheFactors() {
        assertThat(Bytes.times(1600, 80, 128, 4)).isEqualTo(65_536_000);
        assertThatThrownBy(() -> Bytes.times(1L << 40, 1L << 40))
                .isInstanceOf(ArithmeticException.class)
                .hasMessageContaining("1099511627776 × 1099511627776");
        assertThatThrownBy(() -> Bytes.plus(Long.MAX_VALUE, 1)).hasMessageContaining(" + 1");
    }

    @Property
    void aPrintedSizeReadsBackWithinItsPrecision(@ForAll @LongRange(min = 0, max = 1L << 52) long bytes) {
        long back = Bytes.parse(Bytes.format(bytes));
        long unit = bytes <= 1024 ? 1 : bytes <= Bytes.MIB ? Bytes.KIB : bytes <= Bytes.GIB ? Bytes.MIB : Bytes.GIB;
        assertThat(Math.abs(back - bytes)).isLessThanOrEqualTo(unit / 200 + 1);
    }
}
