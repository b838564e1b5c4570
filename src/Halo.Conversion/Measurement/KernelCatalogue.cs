using Halo.Kernels;
using Halo.Models;
using Halo.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Conversion.Measurement;

/// <summary>Every kernel of training at the shapes of HypeNet-2B: d = 2048, 16 heads of 128, FFN 6144, vocabulary 151,936.</summary>
/// <param name="tokens">Tokens of the kernels of a layer.</param>
/// <param name="device">Where.</param>
/// <param name="type">Type of the inputs.</param>
internal sealed class KernelCatalogue(long tokens, Device device, ScalarType type)
{
    private const long Hidden = 2048, Ffn = 6144, Heads = 16, KeyHeads = 8, Size = 128;
    private const double Epsilon = 1e-6;
    private const long MostElements = 1L << 27;
    private const int MostCopies = 8;

    private int Bytes => type == ScalarType.Float32 ? 4 : 2;

    /// <summary>The kernels of a layer. Each case is made when it is asked for; its inputs belong to the dispose scope of then.</summary>
    public IEnumerable<Func<KernelCase>> Layer()
    {
        yield return () =>
        {
            Tensor x = Leaf(tokens, Hidden), w = Weight(Hidden);
            return Case("rms_norm", x, 2, () => RmsNormalization.Serves(x, w) ? RmsNormalization.Forward(x, w, Epsilon) : RmsNormalization.Plain(x, w, Epsilon), () => RmsNormalization.Plain(x, w, Epsilon));
        };
        yield return () => Both("rms_norm, both passes", 5, () =>
        {
            Tensor x = Leaf(tokens, Hidden), w = Weight(Hidden);
            return ([x, w], () => [RmsNormalization.Serves(x, w) ? RmsNormalization.Forward(x, w, Epsilon) : RmsNormalization.Plain(x, w, Epsilon)]);
        });
        yield return () => Both("add + rms_norm, both passes", 8, () =>
        {
            Tensor x = Leaf(tokens, Hidden), y = Leaf(tokens, Hidden), w = Weight(Hidden);
            return ([x, y, w], () =>
            {
                if (!RmsNormalization.Serves(x, w))
                {
                    Tensor plain = x + y;
                    return [plain, RmsNormalization.Plain(plain, w, Epsilon)];
                }

                (Tensor sum, Tensor normed) = RmsNormalization.ForwardAdded(x, y, w, Epsilon);
                return [sum, normed];
            });
        });
        yield return () =>
        {
            RotaryAngles angles;
            using (var rotary = new Rotary((int)Size, 1e6, null, device))
            {
                RotaryAngles made = rotary.At(0, tokens);
                angles = new RotaryAngles(made.Cosine.clone(), made.SignedSine.clone());
            }

            return Both("qk_norm + rope, both passes", 7.5, () =>
            {
                Tensor q = Leaf(1, tokens, Heads, Size), k = Leaf(1, tokens, KeyHeads, Size), qw = Weight(Size), kw = Weight(Size);
                return ([q, k, qw, kw], () =>
                {
                    (Tensor rotatedQ, Tensor rotatedK) = HeadRotation.Serves(q, k, qw, kw, angles.Cosine)
                        ? HeadRotation.Forward(q, k, qw, kw, Epsilon, angles.Cosine, angles.SignedSine)
                        : HeadRotation.Plain(q, k, qw, kw, Epsilon, angles.Cosine, angles.SignedSine);
                    return [rotatedQ, rotatedK];
                });
            });
        };
        yield return () => Both("norm + gate, both passes", 8, () =>
        {
            Tensor o = Leaf(tokens, Heads * Size), z = Leaf(tokens, Heads * Size), w = Weight(Heads * Size);
            return ([o, z, w], () => [GatedOutput.Serves(o, w, z) ? GatedOutput.Forward(o, w, Epsilon, z) : GatedOutput.Plain(o, w, Epsilon, z)]);
        });
        yield return () => Both("swiglu, both passes", 8, () =>
        {
            Tensor gate = Leaf(tokens, Ffn), up = Leaf(tokens, Ffn);
            return ([gate, up], () => [SwiGlu.Forward(gate, up)]);
        });
    }

    /// <summary>The losses, in place; and AdamW.</summary>
    /// <param name="rows">Rows of logits.</param>
    /// <param name="vocabulary">V.</param>
    /// <param name="weights">Weights of the update.</param>
    public IEnumerable<Func<KernelCase>> Step(long rows, long vocabulary, long weights)
    {
        yield return () =>
        {
            Tensor student = Values(rows, vocabulary), teacher = Values(rows, vocabulary), labels = zeros([rows], ScalarType.Int64, device);
            void Plain()
            {
                Tensor t = teacher.log_softmax(-1, ScalarType.Float32), s = student.log_softmax(-1, ScalarType.Float32);
                Tensor p = t.exp();
                t.sub_(s).mul_(p).sum();
                s.exp_().sub_(p).to_type(type);
            }

            return new KernelCase("KL and its gradient", Text(student), 3.0 * rows * vocabulary * Bytes, 0, VocabularyLoss.Serves(student, vocabulary) ? () => VocabularyLoss.Distillation(student, teacher, labels, 0) : Plain, Plain);
        };
        yield return () =>
        {
            Tensor student = Values(rows, vocabulary), labels = zeros([rows], ScalarType.Int64, device);
            void Plain()
            {
                Tensor s = student.log_softmax(-1, ScalarType.Float32);
                s.gather(1, labels.unsqueeze(1)).sum();
                s.exp_().scatter_add_(1, labels.unsqueeze(1), full([rows, 1], -1f, ScalarType.Float32, device)).to_type(type);
            }

            return new KernelCase("cross-entropy and its gradient", Text(student), 2.0 * rows * vocabulary * Bytes, 0, VocabularyLoss.Serves(student, vocabulary) ? () => VocabularyLoss.CrossEntropy(student, labels) : Plain, Plain);
        };
        yield return () =>
        {
            var matrix = new Parameter("weight", weights / Hidden, Hidden) { Value = Values(weights / Hidden, Hidden).to_type(ScalarType.Float32) };
            var flat = new FlatParameters([matrix], half: type == ScalarType.BFloat16, accumulates: false);
            var optimizer = new AdamW(flat, new TrainingOptions { WeightDecay = 0.1 });
            Tensor loss = ones([], device: device);
            return new KernelCase("adamw, norm included", $"({weights})", weights * (type == ScalarType.BFloat16 ? 30.0 : 32), 0, () => optimizer.Update(1, 1e-6, loss));
        };
    }

    /// <summary>Lightning attention.</summary>
    /// <param name="batch">Rows.</param>
    /// <param name="length">Tokens of a row.</param>
    /// <param name="backward">Whether backwards too.</param>
    public Func<KernelCase> LightningAttention(long batch, long length, bool backward) => () =>
    {
        double[] slopes = Lightning.Slopes((int)Heads);
        (Tensor[] Inputs, Func<Tensor[]> Run) Make()
        {
            Tensor q = Leaf(batch, length, Heads, Size), k = Leaf(batch, length, Heads, Size), v = Leaf(batch, length, Heads, Size);
            return ([q, k, v], () => [Lightning.Chunked(q, k, v, slopes, 1 / Math.Sqrt(Size), wantState: false).O_BTHD]);
        }

        if (backward)
        {
            return Both("lightning, both passes", 11, Make);
        }

        (Tensor[] inputs, Func<Tensor[]> run) = Make();
        return Case("lightning", inputs[0], 4, () => run()[0], null);
    };

    private KernelCase Case(string name, Tensor like, double tensors, Func<Tensor> run, Func<Tensor>? plain) => new(
        name, Text(like), tensors * like.NumberOfElements * Bytes, 0, () => WithoutGraph(run), plain is null ? null : () => WithoutGraph(plain));

    /// <summary>
    /// Both passes of several copies in one graph, as in training, where a backward pass goes through many operations: libtorch hands each backward pass to a
    /// thread of its own and waits for it, which takes longer than many a kernel.
    /// </summary>
    /// <param name="name">Kernel.</param>
    /// <param name="tensors">Tensors of the size of the first input that both passes read and write.</param>
    /// <param name="make">Leaves, the largest first, and the forward pass.</param>
    private KernelCase Both(string name, double tensors, Func<(Tensor[] Inputs, Func<Tensor[]> Run)> make)
    {
        var copies = new List<(Tensor[] Inputs, Func<Tensor[]> Run)> { make() };
        Tensor like = copies[0].Inputs[0];
        int count = device.type == DeviceType.CUDA ? (int)Math.Clamp(MostElements / like.NumberOfElements, 1, MostCopies) : 1;
        while (copies.Count < count)
        {
            copies.Add(make());
        }

        Tensor[] inputs = [.. copies.SelectMany(copy => copy.Inputs)];
        Tensor[]? gradients = null;
        return new KernelCase(name, Text(like), tensors * like.NumberOfElements * Bytes, 0, () =>
        {
            Tensor[] outputs = [.. copies.SelectMany(copy => copy.Run())];
            gradients ??= Array.ConvertAll(outputs, output => ones_like(output.detach()).MoveToOuterDisposeScope());
            _ = autograd.grad(outputs, inputs, gradients);
        })
        {
            Times = count,
        };
    }

    private static void WithoutGraph(Func<Tensor> run)
    {
        using IDisposable constant = no_grad();
        run();
    }

    private static string Text(Tensor x) => $"({string.Join(", ", x.shape)})";

    private Tensor Values(params long[] shape)
    {
        using IDisposable constant = no_grad();
        return empty(shape, type, device).normal_();
    }

    private Tensor Leaf(params long[] shape) => Values(shape).requires_grad_();

    private Tensor Weight(long size) => ones([size], ScalarType.Float32, device).requires_grad_();
}
