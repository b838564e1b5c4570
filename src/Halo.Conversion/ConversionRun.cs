using Halo.Conversion.Recipes;
using Halo.Conversion.Selection;
using Halo.Core;
using Halo.Models;
using Halo.Tensors;
using Halo.Text;
using Halo.Text.Data;
using Halo.Training;
using static TorchSharp.torch;

namespace Halo.Conversion;

/// <summary>What the stages of one conversion share: request, folder, log, data, and the teacher while it is needed.</summary>
internal sealed class ConversionRun : IDisposable
{
    private CausalLm? _teacher;

    /// <summary>Checks recipe and teacher against each other and takes the run folder; nothing large is loaded.</summary>
    /// <exception cref="HaloException">Recipe, teacher, data and run folder do not fit together.</exception>
    public ConversionRun(PipelineRequest request, IRunLog display, CancellationToken cancellation)
    {
        Request = request;
        Cancellation = cancellation;
        Tokenizer = HuggingFaceTokenizer.Load(request.Teacher);
        TeacherConfiguration = ModelConfiguration.Load(request.Teacher);
        Check();
        Memory = new MemoryRoom(request.Device);
        RunIdentity identity = RunIdentity.OfConversion(request);
        Store = new RunStore(new RunFolder(request.Run));
        RequireMemory();
        Store.Claim(Recipe, identity);
        DataFingerprint = identity.DataFingerprint;
        Log = new RunLog(Store.Folder, display);
        Data = new DataSet(Recipe.Data, request.Data, Tokenizer, Path.Combine(Store.Folder.Root, "cache"), Log, cancellation) { StageSources = Recipe.StageSources };
    }

    public PipelineRequest Request { get; }

    public Recipe Recipe => Request.Recipe;

    public RunStore Store { get; }

    public RunFolder Folder => Store.Folder;

    public ITokenizer Tokenizer { get; }

    public ModelConfiguration TeacherConfiguration { get; }

    public DataSet Data { get; }

    public RunLog Log { get; }

    public CancellationToken Cancellation { get; }

    public IReadOnlyList<int> AllLayers => [.. Enumerable.Range(0, TeacherConfiguration.NumHiddenLayers)];

    /// <summary>The teacher, loaded when it is first asked for.</summary>
    public CausalLm Teacher => _teacher ??= CausalLm.Load(Request.Teacher, Request.Device, Request.ComputeType);

    /// <summary>The device's memory, before anything was loaded.</summary>
    public MemoryRoom Memory { get; }

    private string DataFingerprint { get; }

    /// <summary>Frees the teacher's memory; asked for again, it is loaded again.</summary>
    public void ReleaseTeacher()
    {
        _teacher?.Dispose();
        _teacher = null;
    }

    /// <summary>The weights at the end of a training stage, float32, computing in the run's type.</summary>
    /// <exception cref="HaloException">The stage has not been finished.</exception>
    public CausalLm LoadFinal(string stage)
    {
        if (!Store.IsFinal(stage))
        {
            throw new HaloException($"{stage} has not been finished", Folder.Root, "run the conversion without --from");
        }

        CausalLm model = CausalLm.Load(Store.Final(stage), Request.Device, ScalarType.Float32);
        model.ComputeType = Request.ComputeType;
        return model;
    }

    /// <summary>Runs a training stage to its end and keeps its weights.</summary>
    /// <param name="name">Stage.</param>
    /// <param name="stage">How it is trained.</param>
    /// <param name="objective">What is minimised.</param>
    /// <param name="salt">Added to the data's seed, so that each stage reads other rows.</param>
    /// <param name="trained">The model whose weights are kept.</param>
    /// <exception cref="OperationCanceledException">It was asked to stop, and has written its checkpoint.</exception>
    public void Train(string name, StageSpecification stage, IObjective objective, long salt, CausalLm trained)
    {
        IRowSource rows = Data.Training(stage.Training.RowLength, stage.Training.DocumentMask, stage.Sources, salt);
        var trainer = new Trainer(name, stage.Training, objective, rows, Path.Combine(Folder.Checkpoints, name), Log)
        {
            DataFingerprint = DataFingerprint, Memory = (Memory, Needs(name, stage.Training)),
        };
        if (trainer.Run(Cancellation).End != TrainingEnd.Completed)
        {
            throw new OperationCanceledException();
        }

        Store.SaveFinal(name, trained);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Data.Dispose();
        _teacher?.Dispose();
        Log.Dispose();
    }

    private MemoryEstimate Needs(string stage, TrainingOptions training) =>
        StageMemory.Of(Recipe, TeacherConfiguration, stage, training, StageMemory.ComputeBytes(Request.Device, Request.ComputeType));

    /// <summary>Refuses what cannot fit into the device's memory before the folder is taken, so that another recipe may have it.</summary>
    private void RequireMemory()
    {
        if (Request.IgnoreMemory)
        {
            return;
        }

        int from = Request.From is { } first ? Stages.IndexOf(first, "--from") : int.MaxValue;
        int until = Request.Until is { } last ? Stages.IndexOf(last, "--until") : int.MaxValue;
        foreach (string stage in Stages.All.TakeWhile((_, index) => index <= until).Where((stage, index) => index >= from || !Store.IsFinal(stage)))
        {
            if (StageMemory.Training(Recipe, stage) is { } training)
            {
                Memory.Require(stage, Needs(stage, training), training);
            }
        }
    }

    private void Check()
    {
        if (TeacherConfiguration.IsHypeNet)
        {
            throw new HaloException("the teacher is a HypeNet already", Request.Teacher, "give a Transformer");
        }

        if (Tokenizer.VocabularySize > TeacherConfiguration.VocabSize)
        {
            throw new HaloException($"the tokenizer has {Tokenizer.VocabularySize:N0} ids, the model an embedding of {TeacherConfiguration.VocabSize:N0}", Request.Teacher, "give the tokenizer that belongs to the model");
        }

        using (WeightFolder weights = WeightFolder.Open(Request.Teacher))
        {
            WeightCheck.Verify(CausalLm.Shapes(TeacherConfiguration), weights);
        }

        SelectionSpecification selection = Recipe.Selection;
        int layers = TeacherConfiguration.NumHiddenLayers;
        if (SelectionMethods.NeedsScores(selection) && Recipe.Stage1 is null)
        {
            throw new HaloException($"method '{selection.Method}' compares the layers of stage 1, which the recipe lacks", "selection.method", "give the recipe a stage1, or choose even or list");
        }

        int kept = SelectionMethods.NeedsScores(selection) ? selection.Kept(layers) : SelectionMethods.Choose(selection, layers, null).Layers.Count;
        if (kept >= layers)
        {
            throw new HaloException($"{kept} of {layers} layers are to stay attention: nothing is left to convert", "selection", "ask for fewer");
        }
    }
}
